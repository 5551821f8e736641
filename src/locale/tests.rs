//! Sentences as people read them.

use super::*;
use crate::text;

const ENGLISH: &str = "\
greeting = Hello, <b>{ $name }</b>!
link = See <a href=\"{ $url }\">this</a>
issues = { $count ->
    [one] one issue
   *[other] { $count } issues
}
kind-technical = <i>technical</i>
only-english = only in English
sloppy = 1 < 2 & <b>bold <i>both</b> </u> <blink>
yes = Yes!
";
const GERMAN: &str = "greeting = Hallo, <b>{ $name }</b>!\nkind-technical = <i>technisch</i>\n";

fn locales() -> Locales {
    Locales::new(&[("en", ENGLISH), ("de", GERMAN), ("de-CH", "greeting = Grüezi, { $name }!")]).unwrap()
}

#[test]
fn arguments_and_literals_are_escaped_and_locale_markup_is_not() {
    let locales = locales();
    let evil = "<i>\"Eve\"</i> & Co";
    assert_eq!(
        locales.render(&text!("greeting", name = evil), None),
        "Hello, <b>&lt;i&gt;\"Eve\"&lt;/i&gt; &amp; Co</b>!"
    );
    assert_eq!(locales.plain(&text!("greeting", name = evil), None), format!("Hello, {evil}!"));
    assert_eq!(locales.render(&Text::literal(evil), None), "&lt;i&gt;\"Eve\"&lt;/i&gt; &amp; Co");
    assert_eq!(locales.plain(&Text::literal(evil), None), evil);
}

#[test]
fn an_argument_cannot_leave_an_attribute() {
    let html = locales().render(&text!("link", url = "x\"><b>"), None);
    assert_eq!(html, "See <a href=\"x&quot;&gt;&lt;b&gt;\">this</a>");
}

#[test]
fn a_language_falls_back_to_its_base_then_to_english_then_to_the_id() {
    let locales = locales();
    let greeting = text!("greeting", name = "Ada");
    for (language, expected) in [
        (Some("de-CH"), "Grüezi, Ada!"),
        (Some("de-ch"), "Grüezi, Ada!"),
        (Some("de_AT"), "Hallo, <b>Ada</b>!"),
        (Some("tlh"), "Hello, <b>Ada</b>!"),
        (Some("not a language"), "Hello, <b>Ada</b>!"),
        (Some(""), "Hello, <b>Ada</b>!"),
        (None, "Hello, <b>Ada</b>!"),
    ] {
        assert_eq!(locales.render(&greeting, language), expected, "{language:?}");
    }
    assert_eq!(locales.render(&text!("only-english"), Some("de-CH")), "only in English");
    assert_eq!(locales.render(&text!("nobody-has-this"), Some("de")), "nobody-has-this");
}

#[test]
fn what_a_language_lacks_is_reported_once_and_what_nobody_speaks_is_not() {
    let locales = locales();
    for _ in 0..3 {
        assert_eq!(locales.render(&text!("only-english"), Some("de-AT")), "only in English");
        assert_eq!(locales.render(&text!("only-english"), Some("fr")), "only in English");
        assert_eq!(locales.render(&text!("greeting", name = "Ada"), Some("de-CH")), "Grüezi, Ada!");
        assert_eq!(locales.plain(&text!("done"), Some("de-CH")), "Fertig");
    }
    let reported = locales.reported.lock().unwrap();
    assert_eq!(reported.len(), 1, "{reported:?}");
    assert!(reported.iter().all(|report| report.contains("only-english") && report.contains("`de`")));
}

#[test]
fn numbers_and_days_are_written_as_the_language_does() {
    let locales = Locales::new(&[
        (
            "en",
            "room = { $size } on { $day }\nhalves = { $count ->\n    [one] one\n   *[other] { $count }\n}",
        ),
        ("de", "room = { $size } am { $day }"),
    ]);
    let locales = locales.unwrap();
    let day = NaiveDate::from_ymd_opt(2026, 8, 1).unwrap();
    let room = text!("room", size = 1234.5, day = day);
    assert_eq!(locales.plain(&room, None), "1,234.5 on Saturday, August 1, 2026");
    assert_eq!(locales.plain(&room, Some("de-AT")), "1.234,5 am Samstag, 1. August 2026");
    assert_eq!(locales.plain(&text!("halves", count = 1.0), None), "one");
    assert_eq!(locales.plain(&text!("halves", count = 1.5), None), "1.5");
}

#[test]
fn a_language_says_what_it_is_called() {
    let names: Vec<_> = locales().languages().into_iter().map(|of| (of.tag, of.name)).collect();
    let expected = [("de", "Deutsch"), ("en", "English")];
    assert_eq!(names, expected.map(|(tag, name)| (tag.to_owned(), name.to_owned())));
}

#[test]
fn a_nested_text_speaks_the_language_around_it() {
    let nested = text!("greeting", name = text!("kind-technical"));
    assert_eq!(locales().render(&nested, Some("de")), "Hallo, <b><i>technisch</i></b>!");
    assert_eq!(locales().plain(&nested, Some("de")), "Hallo, technisch!");
}

#[test]
fn numbers_follow_plural_rules_and_keep_all_their_digits() {
    let locales = locales();
    assert_eq!(locales.render(&text!("issues", count = 1_i64), None), "one issue");
    assert_eq!(locales.render(&text!("issues", count = 1_234_567_i64), None), "1,234,567 issues");
    assert_eq!(locales.render(&text!("issues", count = i64::MIN), None), "-9,223,372,036,854,775,808 issues");
}

#[test]
fn a_missing_variable_leaves_its_name_and_is_reported_once() {
    let locales = locales();
    for _ in 0..3 {
        assert_eq!(locales.render(&text!("greeting"), None), "Hello, <b>{$name}</b>!");
        assert_eq!(locales.render(&text!("gone"), None), "gone");
    }
    assert_eq!(locales.reported.lock().unwrap().len(), 2);
}

#[test]
fn sloppy_markup_comes_out_well_formed() {
    assert_eq!(
        locales().render(&text!("sloppy"), None),
        "1 &lt; 2 &amp; <b>bold <i>both</i></b>  &lt;blink&gt;"
    );
}

#[test]
fn paragraphs_have_a_blank_line_between_them() {
    let text = Text::Paragraphs(vec![text!("only-english"), Text::literal("a & b")]);
    assert_eq!(locales().render(&text, None), "only in English\n\na &amp; b");
}

#[test]
fn a_later_file_overrides_the_engine_s_sentences() {
    assert_eq!(locales().plain(&text!("yes"), None), "Yes!");
    assert_eq!(locales().plain(&text!("no"), None), "No");
}

#[test]
fn a_broken_file_says_where() {
    let error = Locales::new(&[("de", "fine = gut\nbroken == {\n")]).unwrap_err().to_string();
    assert!(error.contains("`de`") && error.contains("line 2") && error.contains("broken"), "{error}");
    assert!(matches!(Locales::new(&[("???", "")]), Err(Error::Language(_))));
}

#[test]
fn sentences_are_shared_between_threads() {
    fn shared<T: Send + Sync>() {}
    shared::<Locales>();
}
