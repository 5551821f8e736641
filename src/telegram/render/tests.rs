//! Every call is held against the Bot API as data.

use serde_json::Value;

use super::*;
use crate::model::Send;

fn locales() -> Locales {
    Locales::new(&[
        ("en", "hello = Hello, <b>{ $name }</b>!\nok = <b>OK</b>"),
        ("de", "hello = Hallo, <b>{ $name }</b>!"),
    ])
    .unwrap()
}

fn addressee(conversation: &ConversationId) -> Addressee<'_> {
    Addressee { conversation, language: None, message_id: None, reply_to: None }
}

fn conversation(id: &str) -> ConversationId {
    id.parse().unwrap()
}

fn send(message: Message) -> Delivery {
    Delivery::Send(Send { message, prompt: None })
}

fn with_buttons(text: Text) -> Message {
    let button = |data: &str| Button { label: crate::text!("ok"), data: data.to_owned() };
    Message {
        buttons: vec![vec![button("a"), button("b")], vec![], vec![button("c")]],
        ..Message::plain(text)
    }
}

fn rendered(delivery: &Delivery, to: &Addressee<'_>) -> Vec<Call> {
    let calls = calls(delivery, to, &locales());
    calls.iter().for_each(bot_api::check);
    calls
}

#[test]
fn a_message_is_html_in_the_readers_language() {
    let conversation = conversation("operations:42:0:42");
    let to = Addressee { language: Some("de"), ..addressee(&conversation) };
    let calls = rendered(&send(Message::plain(crate::text!("hello", name = "<Ada>"))), &to);
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].method, "sendMessage");
    assert_eq!(
        calls[0].parameters,
        json!({ "chat_id": 42, "text": "Hallo, <b>&lt;Ada&gt;</b>!", "parse_mode": "HTML",
                "link_preview_options": { "is_disabled": true } })
    );
}

#[test]
fn a_long_message_becomes_several_and_the_last_has_the_buttons() {
    let conversation = conversation("operations:-100:7:42");
    let to = Addressee { reply_to: Some(5), ..addressee(&conversation) };
    let calls = rendered(&send(with_buttons(Text::literal("word <&> 😀\n".repeat(900)))), &to);
    assert_eq!(calls.len(), 3);
    let has = |key| calls.iter().map(|call| call.parameters.get(key).is_some()).collect::<Vec<_>>();
    assert_eq!(has("reply_markup"), [false, false, true]);
    assert_eq!(has("reply_parameters"), [true, false, false]);
    assert_eq!(has("message_thread_id"), [true, true, true]);
    let rows = calls[2].parameters["reply_markup"]["inline_keyboard"].as_array().unwrap();
    assert_eq!(rows.len(), 2, "an empty row is left out");
    assert_eq!(rows[0][0], json!({ "text": "OK", "callback_data": "a" }), "labels have no markup");
}

#[test]
fn an_empty_text_is_sent_as_an_ellipsis() {
    let conversation = conversation("operations:42:0:42");
    let calls = rendered(&send(Message::plain(Text::literal(" \n"))), &addressee(&conversation));
    assert_eq!(calls[0].parameters["text"], "…");
}

#[test]
fn a_forced_reply_in_a_group_is_asked_of_the_one_who_is_replied_to() {
    let message = Message { force_reply: true, ..Message::plain(Text::literal("?")) };
    for (id, reply_to, selective) in [
        ("operations:42:0:42", None, false),
        ("operations:-100:0:42", Some(5), true),
        ("operations:-100:0:42", None, false),
    ] {
        let conversation = conversation(id);
        let to = Addressee { reply_to, ..addressee(&conversation) };
        let calls = rendered(&send(message.clone()), &to);
        assert_eq!(
            calls[0].parameters["reply_markup"],
            json!({ "force_reply": true, "selective": selective }),
            "{id}"
        );
    }
}

#[test]
fn an_edit_changes_the_message_that_is_known() {
    let conversation = conversation("operations:42:0:42");
    let known = Addressee { message_id: Some(9), ..addressee(&conversation) };
    let edit = |message_id, message| {
        Delivery::Edit(Edit { prompt: "w:q#0".to_owned(), message_id, message, closes: false })
    };

    let text = edit(None, Some(with_buttons(Text::literal("new"))));
    let calls = rendered(&text, &known);
    assert_eq!((calls[0].method, &calls[0].parameters["message_id"]), ("editMessageText", &json!(9)));
    assert!(calls[0].parameters.get("reply_markup").is_some());
    assert_eq!(rendered(&text, &addressee(&conversation)), [], "nobody knows which message");

    let bare = rendered(&edit(None, Some(Message::plain(Text::literal("new")))), &known);
    assert!(bare[0].parameters.get("reply_markup").is_none(), "which takes the keyboard away");

    let stale = rendered(&edit(Some(8), None), &known);
    assert_eq!(stale[0].method, "editMessageReplyMarkup");
    assert_eq!(
        stale[0].parameters,
        json!({ "chat_id": 42, "message_id": 8, "reply_markup": { "inline_keyboard": [] } })
    );

    let long = rendered(&edit(None, Some(Message::plain(Text::literal("word ".repeat(2000))))), &known);
    assert_eq!(long.len(), 1);
    assert!(long[0].parameters["text"].as_str().unwrap().ends_with('…'));
}

#[test]
fn a_press_is_answered_with_at_most_200_characters() {
    let conversation = conversation("operations:42:0:42");
    let answer = |text| Delivery::Answer { callback: "77".to_owned(), text };
    let silent = rendered(&answer(None), &addressee(&conversation));
    assert_eq!(silent[0].parameters, json!({ "callback_query_id": "77" }));
    let long = rendered(&answer(Some(Text::literal("<&> ".repeat(100)))), &addressee(&conversation));
    assert_eq!(long[0].parameters["text"].as_str().unwrap().chars().count(), 200);
}

#[test]
fn the_webhooks_own_body_answers_a_press() {
    let body = webhook_answer("77", Some(&crate::text!("ok")), None, &locales());
    assert_eq!(body, json!({ "method": "answerCallbackQuery", "callback_query_id": "77", "text": "OK" }));
}

#[test]
#[should_panic(expected = "1 to 64 bytes")]
fn a_button_that_carries_too_much_is_a_bug() {
    let conversation = conversation("operations:42:0:42");
    let button = Button { label: Text::literal("x"), data: "x".repeat(65) };
    let message = Message { buttons: vec![vec![button]], ..Message::plain(Text::literal("?")) };
    let _ = rendered(&send(message), &addressee(&conversation));
}

/// The Bot API as data: what methods and types there are, and what their fields may be.
mod bot_api {
    use super::*;

    pub(super) fn check(call: &Call) {
        let api: Value = serde_json::from_str(include_str!("../../../tests/it/bot-api.json")).unwrap();
        let method = &api["methods"][call.method];
        assert!(method.is_object(), "no method `{}`", call.method);
        members(&api, call.method, &method["params"], &call.parameters);
    }

    fn members(api: &Value, of: &str, spec: &Value, given: &Value) {
        let given = given.as_object().unwrap_or_else(|| panic!("`{of}` is no object"));
        for (name, field) in spec.as_object().unwrap() {
            assert!(!field["required"].as_bool().unwrap() || given.contains_key(name), "{of} lacks `{name}`");
        }
        for (name, value) in given {
            let field = spec.get(name).unwrap_or_else(|| panic!("{of} has no `{name}`"));
            let types: Vec<&str> =
                field["types"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
            assert!(types.iter().any(|t| is_a(api, t, value)), "{of}.{name} is {value}, not {types:?}");
            length(&format!("{of}.{name}"), field, value);
        }
    }

    fn is_a(api: &Value, name: &str, value: &Value) -> bool {
        if let Some(element) = name.strip_prefix("Array of ") {
            return value.as_array().is_some_and(|all| all.iter().all(|one| is_a(api, element, one)));
        }
        match name {
            "Integer" => value.is_i64(),
            "String" => value.is_string(),
            "Boolean" => value.is_boolean(),
            "Float" => value.is_number(),
            _ => {
                let fields = &api["types"][name]["fields"];
                let ours = value.as_object().zip(fields.as_object());
                let fits = ours.is_some_and(|(given, spec)| given.keys().all(|key| spec.contains_key(key)));
                if fits {
                    members(api, name, fields, value);
                }
                fits
            }
        }
    }

    fn length(what: &str, field: &Value, value: &Value) {
        let (Some(most), Some(text)) = (field["max"].as_u64(), value.as_str()) else { return };
        let visible = crate::locale::markup::plain(text);
        let length = if field["unit"] == "bytes" { text.len() } else { visible.encode_utf16().count() };
        assert!(length as u64 <= most, "{what} is too long: {length}");
        assert!(length as u64 >= field["min"].as_u64().unwrap_or(0), "{what} is too short: {length}");
    }
}
