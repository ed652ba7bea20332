//! Gates and weights of a grown model over the core suite's fraction.
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use undermask_engine::*;
use undermask_suite::*;
fn main() {
    let suite = Suite::parse(include_str!("../../../suites/core.toml"), "core.toml").unwrap();
    let plan = Plan::expand(&suite, &PlanSettings { seed: 1, full: false });
    for dir in std::env::args().skip(1) {
        let model = Model::open(&Source::Directory(dir.clone().into())).unwrap();
        let start = std::time::Instant::now();
        let requests: Vec<ScoreRequest> = plan
            .trials
            .iter()
            .map(|t| {
                let mut m = vec![];
                if let Some(s) = &t.prompt.system {
                    m.push(Message::new("system", s));
                }
                m.push(Message::new("user", &t.prompt.user));
                ScoreRequest {
                    prompt: model.encode(&(model.render_chat(&m, true).unwrap() + &t.prompt.prefill)).unwrap(),
                    options: t.options.iter().map(|o| model.encode(o).unwrap()).collect(),
                }
            })
            .collect();
        let counts = model.plan_tokens(&requests, &ScoreSettings::default());
        println!("{dir}: {} trials, {counts:?}, prepared in {:?}", requests.len(), start.elapsed());
        let mut out = vec![vec![]; requests.len()];
        let start = std::time::Instant::now();
        model
            .score(&requests, &ScoreSettings::default(), &mut |i, s| {
                out[i] = s.to_vec();
                ControlFlow::Continue(())
            })
            .unwrap();
        println!(
            "scored in {:?}: {:.0} unique tok/s",
            start.elapsed(),
            counts.unique as f64 / start.elapsed().as_secs_f64()
        );
        let mut gates: BTreeMap<(String, String), (f64, f64, f64)> = BTreeMap::new();
        let mut lad: BTreeMap<(String, bool), Vec<(f64, f64)>> = BTreeMap::new();
        let mut mass = 0.0;
        for pair in plan.trials.iter().zip(&out).collect::<Vec<_>>().windows(2) {
            let ((t, s), (t2, s2)) = (pair[0], pair[1]);
            mass += s.iter().map(|s| s.log_probability.exp()).sum::<f64>() / requests.len() as f64;
            let best = (0..s.len()).max_by(|a, b| s[*a].log_probability.total_cmp(&s[*b].log_probability)).unwrap();
            let odds = |t: &Trial, s: &[OptionScore]| s[t.target].log_probability - s[1 - t.target].log_probability;
            match t.kind {
                ItemKind::Recall | ItemKind::ContextCheck => {
                    let g = gates.entry((t.context.clone(), format!("{:?}", t.kind))).or_default();
                    g.0 += (best == t.target) as u8 as f64;
                    g.1 += 1.0;
                }
                _ if t.order == Some(Order::TargetFirst) => {
                    let eta = 0.5 * (odds(t, s) + odds(t2, s2));
                    let bias = 0.5 * (odds(t, s) - odds(t2, s2));
                    let p = 1.0 / (1.0 + (-eta).exp());
                    let g = gates.entry((t.context.clone(), format!("{:?}", t.kind))).or_default();
                    g.0 += (eta > 0.0) as u8 as f64;
                    g.1 += 1.0;
                    g.2 += bias;
                    if let Some(r) = t.rung {
                        if t.kind != ItemKind::Reversal {
                            let l =
                                lad.entry((t.context.clone(), t.kind == ItemKind::Welfare))
                                    .or_insert(vec![(0.0, 0.0); 12]);
                            l[r].0 += p;
                            l[r].1 += 1.0;
                        }
                    }
                }
                _ => {}
            }
        }
        println!("mass on the options {mass:.4}");
        for c in &suite.contexts {
            let g = |k: &str| gates.get(&(c.id.clone(), k.to_owned())).map_or(f64::NAN, |g| g.0 / g.1);
            let lam = |w: bool| {
                lad.get(&(c.id.clone(), w)).map_or(f64::NAN, |l| -0.7 + 0.2 * l.iter().map(|x| x.0 / x.1).sum::<f64>())
            };
            let show: String =
                lad[&(c.id.clone(), true)].iter().map(|x| format!("{:.0} ", 100.0 * x.0 / x.1)).collect();
            println!(
                "{:24} λ {:+.2} neutral {:+.2} recall {:.2} dominance {:.2} check {:.2} rev {:.2} bias {:+.2} | {}",
                c.id,
                lam(true),
                lam(false),
                g("Recall"),
                g("Dominance"),
                g("ContextCheck"),
                g("Reversal"),
                gates[&(c.id.clone(), "Welfare".to_owned())].2 / gates[&(c.id.clone(), "Welfare".to_owned())].1,
                show
            );
        }
    }
}
