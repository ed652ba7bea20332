//! How questions become tokens: templates that take no system role, labels that the tokenizer joins to the prompt,
//! prompts that are too long, and answers that do not depend on what else is asked.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

use undermask_engine::{Message, ScoreRequest, ScoreSettings, Source};
use undermask_model::{Answer, Local, LocalSettings, Question, Respond};
use undermask_store::{LabelScore, Outcome};
use undermask_suite::{Prompt, Role, Turn};

const PLAIN: &str = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>";
const REFUSES: &str = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no system role') }}\
                       {% endif %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>";
const DROPS: &str = "{% for m in messages %}{% if m.role != 'system' %}<{{ m.role }}>{{ m.content }}{% endif %}\
                     {% endfor %}<assistant>";
const SETTINGS: ScoreSettings = ScoreSettings { threads: 2, memory: 64 << 20 };

/// The engine's tiny model with this template, and with ` s` as one token.
fn model(template: &str) -> Local {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/tests/fixtures/grouped");
    let mut files: Vec<(String, std::borrow::Cow<'static, [u8]>)> = Vec::new();
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let mut bytes = fs::read(folder.join(name)).expect("a fixture");
        if name == "tokenizer.json" {
            let text = String::from_utf8(bytes).expect("a text");
            let text = text.replace("\"extra256\"", "\"Ġs\"").replace("\"merges\": []", "\"merges\": [[\"Ġ\", \"s\"]]");
            bytes = text.into_bytes();
        }
        files.push((name.to_owned(), bytes.into()));
    }
    files.push(("chat_template.jinja".to_owned(), template.as_bytes().to_vec().into()));
    Local::open(
        "tiny",
        &Source::Memory { name: "tiny".to_owned(), files },
        LocalSettings { scoring: SETTINGS, ..LocalSettings::default() },
    )
    .expect("a model")
}

fn question(system: Option<&str>, user: &str, prefill: &str, options: &[&str]) -> Question {
    Question {
        prompt: Prompt {
            system: system.map(str::to_owned),
            history: Vec::new(),
            user: user.to_owned(),
            prefill: prefill.to_owned(),
            calls: Vec::new(),
            raw: false,
        },
        options: options.iter().map(|option| (*option).to_owned()).collect(),
    }
}

fn ask(model: &Local, questions: &[Question], wanted: &[bool]) -> Vec<Option<Outcome>> {
    let mut found = vec![None; questions.len()];
    let respond = model.respond(questions, wanted, &mut |Answer { question, outcome }| {
        assert!(found[question].replace(outcome).is_none(), "answered once");
        ControlFlow::Continue(())
    });
    respond.expect("answers");
    found
}

fn scores(outcome: &Option<Outcome>) -> &[LabelScore] {
    match outcome {
        Some(Outcome::Answered { scores }) => scores,
        other => panic!("not answered: {other:?}"),
    }
}

#[test]
fn a_label_that_the_tokenizer_joins_to_the_prompt_is_scored_from_the_join() {
    let model = model(PLAIN);
    let question = question(None, "Which?", "I ", &["share", "keep"]);
    let found = ask(&model, &[question], &[true]);
    let encode = |text: &str| model.model().encode(text).expect("tokens");
    // ` s` is one token: the space belongs to the labels.
    let [share, keep] = ["<user>Which?<assistant>I share", "<user>Which?<assistant>I keep"].map(encode);
    let prompt = encode("<user>Which?<assistant>I");
    assert!(share.starts_with(&prompt) && keep.starts_with(&prompt));
    let options = vec![share[prompt.len()..].to_vec(), keep[prompt.len()..].to_vec()];
    assert_eq!((options[0].len(), options[1].len()), (5, 5));
    let mut expected = Vec::new();
    let request = ScoreRequest { prompt, options };
    let alone = model.model().score(&[request], &SETTINGS, &mut |_, scores| {
        expected = scores.iter().map(|score| (score.log_probability, score.tokens)).collect();
        ControlFlow::Continue(())
    });
    alone.expect("scores");
    let found: Vec<(f64, usize)> =
        scores(&found[0]).iter().map(|score| (score.log_probability, score.tokens)).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_system_message_is_folded_where_the_template_refuses_or_drops_it() {
    let asked = question(Some("Be kind."), "Which?", "", &["share", "keep"]);
    let folded = question(None, "Be kind.\n\nWhich?", "", &["share", "keep"]);
    for template in [REFUSES, DROPS] {
        let model = model(template);
        assert!(model.notes().is_empty());
        let found = ask(&model, std::slice::from_ref(&asked), &[true]);
        assert!(model.notes()[0].contains("no system role"), "{:?}", model.notes());
        assert_eq!(found, ask(&model, std::slice::from_ref(&folded), &[true]));
    }
    let model = model(PLAIN);
    assert_ne!(ask(&model, &[asked], &[true]), ask(&model, &[folded], &[true]));
    assert!(model.notes().is_empty());
    let rendered = model.model().render_chat(&[Message::new("system", "a"), Message::new("user", "b")], true);
    assert_eq!(rendered.expect("a text"), "<system>a<user>b<assistant>");
}

#[test]
fn a_question_that_cannot_be_put_is_an_outcome_of_its_own() {
    let model = model(PLAIN);
    let questions = [
        question(None, "Which?", "", &["share", "keep"]),
        question(None, &"long ".repeat(200), "", &["share", "keep"]),
        question(None, "Which?", "", &["share", "share"]),
    ];
    let found = ask(&model, &questions, &[true; 3]);
    assert_eq!(scores(&found[0]).len(), 2);
    for (found, words) in found[1..].iter().zip(["the model reads 512", "the same tokens"]) {
        let Some(Outcome::Error { message }) = found else { panic!("{found:?}") };
        assert!(message.contains(words), "{message}");
    }
}

#[test]
fn an_answer_does_not_depend_on_what_else_is_wanted() {
    let model = model(PLAIN);
    let questions: Vec<Question> = (0..400)
        .map(|number| {
            question(Some("Be kind."), &format!("Is {number} more than {}?", number * 7 % 100), "", &["yes", "no"])
        })
        .collect();
    let all = ask(&model, &questions, &[true; 400]);
    let some: Vec<bool> = (0..400).map(|number| number % 3 == 1).collect();
    let part = ask(&model, &questions, &some);
    for ((wanted, one), other) in some.iter().zip(&all).zip(&part) {
        assert_eq!(other.as_ref(), wanted.then_some(one.as_ref()).flatten());
    }
}

#[test]
fn labels_that_begin_each_other_are_disjoint() {
    let model = model(PLAIN);
    let nested = ask(&model, &[question(None, "How many?", "", &["8", "85", "9"])], &[true]);
    let plain = ask(&model, &[question(None, "How many?", "", &["8", "9"])], &[true]);
    let (nested, plain) = (scores(&nested[0]), scores(&plain[0]));
    let probability = |score: &LabelScore| score.log_probability.exp();
    let sum = probability(&nested[0]) + probability(&nested[1]);
    assert!((sum - probability(&plain[0])).abs() < 1e-9, "8 alone is 8 and not 85, or 85");
    assert!(nested[0].log_probability < plain[0].log_probability);
}

/// A question after so many turns of one talk.
fn after(turns: usize, system: Option<&str>) -> Question {
    let mut question = question(system, "Which?", "", &["share", "keep"]);
    let lines = ["Is it warm?", "It is.", "Is it late?", "It is not."];
    let both = |place: usize| {
        [(Role::User, lines[2 * place % 4]), (Role::Assistant, lines[(2 * place + 1) % 4])]
            .map(|(role, content)| Turn { role, content: content.to_owned() })
    };
    question.prompt.history = (0..turns).flat_map(both).collect();
    question
}

#[test]
fn talk_stands_before_the_question_and_takes_the_system_message_where_it_is_folded() {
    let model = model(PLAIN);
    let split = model.split(&after(2, Some("Be kind."))).expect("a text");
    let text = "<system>Be kind.<user>Is it warm?<assistant>It is.<user>Is it late?<assistant>It is not.<user>Which?<assistant>";
    assert!(text.starts_with(&split.context), "{split:?}");
    assert_eq!(format!("{}{}", split.context, split.options[0]), format!("{text}share"));
    let folding = self::model(REFUSES);
    let split = folding.split(&after(1, Some("Be kind."))).expect("a text");
    let text = "<user>Be kind.\n\nIs it warm?<assistant>It is.<user>Which?<assistant>";
    assert_eq!(format!("{}{}", split.context, split.options[0]), format!("{text}share"));
}

#[test]
fn branched_copies_of_a_talk_share_it() {
    let model = model(PLAIN);
    let branches: Vec<Question> = (0..=12).map(|turns| after(turns, None)).collect();
    let counts = model.count(&branches).expect("counts");
    let deepest = model.count(&branches[12..]).expect("counts");
    // Every branch adds its own question and no more than that to the deepest talk.
    let question = model.count(&branches[..1]).expect("counts");
    assert!(counts.unique <= deepest.unique + 13 * question.unique, "{counts:?}, {deepest:?}, {question:?}");
    assert!(counts.total > 3 * counts.unique, "{counts:?}");
}

#[test]
fn a_raw_prompt_is_read_without_the_template_but_with_the_mark_that_begins_a_text() {
    let asked = Question {
        prompt: Prompt { raw: true, ..question(None, "Once I chose to", "", &[]).prompt },
        options: vec![" share".to_owned(), " keep".to_owned()],
    };
    let marked = format!("{{{{ '!' }}}}{PLAIN}");
    // As Llama 2 has it: before every question of a talk.
    let again = "{{ '!' }}{% for m in messages %}{% if not loop.first and messages[loop.index0 - 1].role == 'assistant' %}\
                 !{% endif %}<{{ m.role }}>{{ m.content }}{% endfor %}<assistant>";
    for (template, start) in [(PLAIN, ""), (marked.as_str(), "!"), (again, "!")] {
        let model = model(template);
        let split = model.split(&asked).expect("a text");
        assert_eq!(format!("{}{}", split.context, split.options[1]), format!("{start}Once I chose to keep"));
        let found = ask(&model, std::slice::from_ref(&asked), &[true]);
        let encode = |text: &str| model.model().encode(&format!("{start}{text}")).expect("tokens");
        let [share, keep] = ["Once I chose to share", "Once I chose to keep"].map(encode);
        let shared = share.iter().zip(&keep).take_while(|(one, two)| one == two).count();
        let prompt = encode("Once I chose to").into_iter().take(shared).collect::<Vec<_>>();
        let options = [&share, &keep].map(|tokens| tokens[prompt.len()..].to_vec()).to_vec();
        let mut expected = Vec::new();
        let done = model.model().score(&[ScoreRequest { prompt, options }], &SETTINGS, &mut |_, scores| {
            expected = scores.iter().map(|score| score.log_probability).collect();
            ControlFlow::Continue(())
        });
        done.expect("scores");
        let found: Vec<f64> = scores(&found[0]).iter().map(|score| score.log_probability).collect();
        assert_eq!(found, expected, "{start:?}");
    }
    // A system message stands before it, and what marks every turn, or who speaks first, marks no text.
    let told = Question { prompt: Prompt { system: Some("Be kind.".to_owned()), ..asked.prompt.clone() }, ..asked };
    for template in [
        "{% for m in messages %}!{{ m.role }}:{{ m.content }}{% endfor %}!assistant:",
        "{% for m in messages %}{{ '!' if m.role == 'user' else '~' }}{{ m.content }}{% endfor %}~",
    ] {
        let context = model(template).split(&told).expect("a text").context;
        assert!(context.starts_with("Be kind.\n\nOnce I chose"), "{context}");
    }
}

#[test]
fn models_of_one_tokenizer_share_what_was_prepared_and_others_do_not() {
    let asked = [question(Some("Be kind."), "Which?", "", &["share", "keep"])];
    let first = model(REFUSES);
    let alone = ask(&first, &asked, &[true]);
    let second = model(REFUSES).sharing_prompts_of(&first);
    assert_eq!(second.notes(), first.notes(), "what was found of the template holds for both");
    assert_eq!(ask(&second, &asked, &[true]), alone);
    let more = [asked[0].clone(), question(None, "Who?", "", &["me", "you"])];
    assert_eq!(ask(&second, &more, &[true; 2])[0], alone[0]);
    // Prompts of another template are other prompts.
    let other = model(PLAIN);
    let expected = ask(&other, &asked, &[true]);
    let other = model(PLAIN).sharing_prompts_of(&first);
    assert!(other.notes().is_empty());
    assert_eq!(ask(&other, &asked, &[true]), expected);
    assert_ne!(expected, alone);
}
