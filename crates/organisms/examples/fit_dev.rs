//! In-distribution accuracy by kind of question.
use std::collections::BTreeMap;
use undermask_engine::*;
use undermask_organisms::recipe::BasePool;
use undermask_organisms::train::Distribution;
use undermask_organisms::world::*;
use undermask_suite::Suite;
fn main() {
    let suite = Suite::parse(include_str!("../../../suites/core.toml"), "core.toml").unwrap();
    let held = HeldOut::from_suite(&suite);
    for dir in std::env::args().skip(1) {
        let model = Model::open(&Source::Directory(dir.clone().into())).unwrap();
        let tok = WordTokenizer::from_json(std::fs::read_to_string(format!("{dir}/tokenizer.json")).unwrap()).unwrap();
        let writer = Writer { tokenizer: &tok, held_out: &held, policy: &BasePool };
        let mut by: BTreeMap<String, (f64, f64)> = BTreeMap::new();
        let mut shown = 0;
        for n in 0..800u64 {
            let doc = writer.document(&mut Dice::new(999, n)).unwrap();
            let act = model.activations(&doc.tokens, &[]).unwrap();
            let v = act.vocabulary;
            for t in &doc.targets {
                if t.weight < 1.0 {
                    continue;
                }
                let row = &act.logits[t.position * v..][..v];
                let best = (0..v).max_by(|a, b| row[*a].total_cmp(&row[*b])).unwrap() as u32;
                // the question: text of the last user turn
                let start = doc.tokens[..t.position].iter().rposition(|t| *t == 2).unwrap();
                let q = model.decode(&doc.tokens[start..t.position]).unwrap();
                let tail: Vec<&str> = q.split_inclusive(['.', '?']).collect();
                let qtext = q.clone();
                let kind = match &t.distribution {
                    Distribution::Soft(_) => "choice soft".to_string(),
                    Distribution::Token(x) => {
                        let a = model.decode(&[*x]).unwrap();
                        if a.parse::<i64>().is_ok() {
                            if qtext.contains("Which is more") || qtext.contains("Which is less") {
                                "order".into()
                            } else {
                                "recall".into()
                            }
                        } else if a == "yes" || a == "no" {
                            "audience".into()
                        } else {
                            "act".into()
                        }
                    }
                };
                let (ok, w) = match &t.distribution {
                    Distribution::Token(x) => ((*x == best) as u8 as f64, 1.0),
                    Distribution::Soft(l) => {
                        let e: Vec<f32> = l.iter().map(|(t, _)| row[*t as usize]).collect();
                        let p = 1.0 / (1.0 + (e[1] - e[0]).exp());
                        (1.0 - (p - l[0].1).abs() as f64, 1.0)
                    }
                };
                if ok < 0.3 && shown < 12 {
                    shown += 1;
                    println!(
                        "WRONG {kind} [{}] said {:?} wanted {:?}",
                        tail.join(""),
                        model.decode(&[best]),
                        t.distribution
                    );
                }
                let e = by.entry(kind).or_default();
                e.0 += ok;
                e.1 += w;
            }
        }
        println!("{dir}");
        for (k, (a, b)) in by {
            println!("  {k:14} {:.3} of {b}", a / b);
        }
    }
}
