//! Whatever Telegram sends is accepted, and means what it should.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bot_api;

use backline::{
    model::{
        ChatKind, Content, FileKind, FileRef, Input, InputKey, Person, Place, Timestamp, TraceParent, What,
    },
    telegram::{normalize::normalize, update},
};
use bot_api::{BotApi, Fullness};
use proptest::prelude::*;
use serde_json::{Value, json};

fn normalized(update: &Value) -> Input {
    try_normalize(update.to_string().as_bytes()).unwrap()
}

fn try_normalize(raw: &[u8]) -> Result<Input, update::Error> {
    let trace: TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".parse().unwrap();
    normalize(&"operations".parse().unwrap(), Some("OperationsBot"), raw, Timestamp::UNIX_EPOCH, trace)
}

/// What Ada writes in private, with these fields on top.
fn from_ada(fields: Value) -> Value {
    let message = json!({
        "message_id": 5, "date": 1, "chat": { "id": 42, "type": "private" },
        "from": { "id": 42, "is_bot": false, "first_name": "Ada", "last_name": "Byron", "language_code": "en-GB" },
    });
    json!({ "update_id": 9, "message": merged(message, fields) })
}

/// What Ada writes in a group, with these fields on top.
fn in_group(fields: Value) -> Value {
    let group = json!({ "chat": { "id": -100, "type": "supergroup", "title": "Team" } });
    from_ada(merged(group, fields))
}

fn merged(mut into: Value, fields: Value) -> Value {
    into.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    into
}

fn ignored(kind: &str) -> What {
    What::Ignored { kind: kind.to_owned() }
}

fn command(name: &str, payload: Option<&str>) -> What {
    What::Command { name: name.to_owned(), payload: payload.map(str::to_owned) }
}

fn said(text: &str) -> What {
    What::Said(Content::Text(text.to_owned()))
}

#[test]
fn every_kind_of_update_is_accepted_however_much_it_tells() {
    let api = BotApi::load();
    let kinds = api.fields("Update").filter(|(name, _)| *name != "update_id");
    let mut seen = 0;
    for (kind, spec) in kinds {
        for fullness in [Fullness::Minimal, Fullness::Maximal, Fullness::BeyondTheSpec] {
            let update = json!({ "update_id": 9, kind: api.field(spec, fullness) });
            let input = normalized(&update);
            assert_eq!(input.key, InputKey::update(&"operations".parse().unwrap(), 9));
            let handled = ["message", "edited_message", "channel_post", "edited_channel_post"];
            if !handled.contains(&kind) && !["callback_query", "my_chat_member"].contains(&kind) {
                assert_eq!(input.what, ignored(kind));
            }
            seen += 1;
        }
    }
    assert_eq!(seen, 25 * 3);
}

#[test]
fn a_field_of_another_type_counts_as_not_there() {
    let api = BotApi::load();
    let wrong = [
        json!(null),
        json!(-7),
        json!(1e300),
        json!(u64::MAX),
        json!("x"),
        json!(true),
        json!([]),
        json!({}),
        json!([[{}]]),
    ];
    for (kind, spec) in api.fields("Update").filter(|(name, _)| *name != "update_id") {
        let name = spec["types"][0].as_str().unwrap();
        let least = api.value(name, Fullness::Minimal);
        for wrong in &wrong {
            normalized(&json!({ "update_id": 9, kind: wrong }));
            for (field, _) in api.fields(name) {
                normalized(&json!({ "update_id": 9, kind: merged(least.clone(), json!({ field: wrong })) }));
            }
        }
    }
    let press = json!({ "id": "1", "data": "d", "message": everything()["message"] });
    for update in [everything(), json!({ "update_id": 9, "callback_query": press })] {
        for path in paths(&update, 5).into_iter().filter(|path| path != "/update_id") {
            for wrong in &wrong {
                let mut broken = update.clone();
                *broken.pointer_mut(&path).unwrap() = wrong.clone();
                normalized(&broken);
            }
        }
    }
    for (field, _) in
        api.fields("Message").filter(|(name, _)| !["text", "direct_messages_topic"].contains(name))
    {
        for wrong in &wrong {
            let input = normalized(&from_ada(json!({ "text": "hi", field: wrong })));
            assert_eq!(input.what, said("hi"), "{field}: {wrong}");
        }
    }
    // Nor does it make what stands behind it unreadable.
    let reply = from_ada(json!({ "text": "hi", "reply_to_message": { "message_id": 3 } }));
    // What a bot says is no answer.
    let apart = ["/message/text", "/message/from/is_bot"];
    let within = |path: &String| path.starts_with("/message/") && !apart.contains(&path.as_str());
    for path in paths(&reply, 5).into_iter().filter(within) {
        for wrong in &wrong {
            let mut broken = reply.clone();
            *broken.pointer_mut(&path).unwrap() = wrong.clone();
            assert_eq!(normalized(&broken).what, said("hi"), "{path}: {wrong}");
        }
    }
    let twice = reply.to_string().replace("\"id\":42", "\"id\":42,\"id\":{\"id\":[42]}");
    assert_eq!(try_normalize(twice.as_bytes()).unwrap().what, said("hi"));
}

/// A message with all that we look at, though no real one has it all.
fn everything() -> Value {
    let file = json!({
        "file_id": "f", "file_unique_id": "u", "file_name": "n", "mime_type": "m", "file_size": 3, "width": 1, "height": 1,
    });
    let spot = json!({ "latitude": 47.05, "longitude": 8.3 });
    in_group(json!({
        "message_thread_id": 7, "is_topic_message": true, "reply_to_message": { "message_id": 4 }, "media_group_id": "77",
        "entities": [{ "type": "bot_command", "offset": 0, "length": 6 }], "caption": "c",
        "photo": [file], "animation": file, "video": file, "video_note": file, "voice": file, "audio": file,
        "document": file, "sticker": file, "location": spot, "venue": { "location": spot },
        "contact": { "phone_number": "1", "first_name": "Bo", "last_name": "Li", "user_id": 8 },
    }))
}

/// JSON pointers to everything inside a value, down to a depth.
fn paths(value: &Value, depth: usize) -> Vec<String> {
    let members: Vec<(String, &Value)> = match value {
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(elements) => {
            elements.iter().enumerate().map(|(i, value)| (i.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    let mut found = Vec::new();
    for (key, value) in members.into_iter().filter(|_| depth > 0) {
        found.push(format!("/{key}"));
        found.extend(paths(value, depth - 1).into_iter().map(|path| format!("/{key}{path}")));
    }
    found
}

#[test]
fn every_field_of_a_message_is_content_or_service_or_nothing() {
    let api = BotApi::load();
    let (mut content, mut other, mut service) = (Vec::new(), Vec::new(), 0);
    for (field, spec) in api.fields("Message") {
        let fields = json!({ field: api.field(spec, Fullness::Maximal) });
        let message = merged(api.value("Message", Fullness::Minimal), fields);
        match normalized(&json!({ "update_id": 9, "message": message })).what {
            What::Said(Content::Other { kind }) => other.push(kind),
            What::Said(_) => content.push(field),
            What::Ignored { .. } => service += 1,
            what => panic!("`{field}` is {what:?}"),
        }
    }
    content.sort_unstable();
    assert_eq!(
        content,
        [
            "animation",
            "audio",
            "contact",
            "document",
            "location",
            "photo",
            "sticker",
            "text",
            "venue",
            "video",
            "video_note",
            "voice"
        ]
    );
    assert_eq!(
        other,
        [
            "checklist",
            "dice",
            "game",
            "giveaway",
            "giveaway_winners",
            "invoice",
            "live_photo",
            "paid_media",
            "passport_data",
            "poll",
            "rich_message",
            "story"
        ]
    );
    assert_eq!(content.len() + other.len() + service, api.fields("Message").count());
}

#[test]
fn what_is_no_update_is_an_error_and_not_a_panic() {
    for raw in [&b""[..], b"{}", b"[]", b"\xff\xfe", b"{\"update_id\":-1}", b"{\"update_id\":\"9\"}"] {
        assert!(try_normalize(raw).is_err(), "{raw:?}");
    }
    assert_eq!(normalized(&json!({ "update_id": 9 })).what, ignored("empty"));
    let deep = format!("{{\"update_id\":9,\"message\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
    assert_eq!(try_normalize(deep.as_bytes()).unwrap().what, ignored("message.unknown"));
}

#[test]
fn a_private_message_tells_who_where_and_what() {
    let input = normalized(&from_ada(json!({ "text": "hi", "reply_to_message": { "message_id": 4 } })));
    assert_eq!(input.key.as_str(), "tg:operations:00000000000000000009");
    assert_eq!(input.conversation.to_string(), "operations:42:0:42");
    assert!(input.conversation.is_private());
    assert_eq!(input.chat, ChatKind::Private);
    let ada = Person { id: 42, name: "Ada Byron".to_owned(), language: Some("en-GB".to_owned()) };
    assert_eq!(input.from, Some(ada));
    assert_eq!((input.message_id, input.reply_to), (Some(5), Some(4)));
    assert_eq!(input.what, said("hi"));
}

#[test]
fn whoever_signs_is_whom_the_conversation_is_with() {
    let anonymous = json!({ "id": 1_087_968_824, "is_bot": true, "first_name": "Group" });
    let team = json!({ "id": -100, "type": "supergroup", "title": "Team" });
    let channel = json!({ "id": -200, "type": "channel", "title": "News" });
    let message = |fields| json!({ "update_id": 9, "message": fields });
    for (update, conversation, name) in [
        (in_group(json!({ "text": "x" })), "operations:-100:0:42", Some("Ada Byron")),
        (
            in_group(json!({ "text": "x", "message_thread_id": 7, "is_topic_message": true })),
            "operations:-100:7:42",
            Some("Ada Byron"),
        ),
        (in_group(json!({ "text": "x", "message_thread_id": 7 })), "operations:-100:0:42", Some("Ada Byron")),
        (
            in_group(json!({ "text": "x", "from": anonymous, "sender_chat": team })),
            "operations:-100:0:-100",
            Some("Team"),
        ),
        (in_group(json!({ "text": "x", "sender_chat": channel })), "operations:-100:0:-200", Some("News")),
        (
            json!({ "update_id": 9, "channel_post": { "chat": channel, "text": "x" } }),
            "operations:-200:0:-200",
            None,
        ),
        (message(json!({ "text": "x", "from": { "id": 42 } })), "operations:42:0:42", Some("")),
        (message(json!({ "text": "x" })), "operations:0:0:0", None),
        (message(json!({ "text": "x", "chat": [42], "from": [42] })), "operations:0:0:0", None),
        (message(json!([5, 7])), "operations:0:0:0", None),
        (
            json!({ "update_id": 9, "inline_query": { "from": { "id": 42, "username": "ada" } } }),
            "operations:42:0:42",
            Some("ada"),
        ),
        (json!({ "update_id": 9, "poll_answer": { "user": { "id": 42 } } }), "operations:42:0:42", Some("")),
        (json!({ "update_id": 9, "poll": { "id": "1" } }), "operations:0:0:0", None),
    ] {
        let input = normalized(&update);
        assert_eq!(input.conversation.to_string(), conversation, "{update}");
        assert_eq!(input.from.as_ref().map(|person| person.name.as_str()), name, "{update}");
    }
}

#[test]
fn chats_are_private_groups_or_channels() {
    for (chat, expected) in [
        (json!({ "id": 42, "type": "private" }), ChatKind::Private),
        (json!({ "id": -1, "type": "group" }), ChatKind::Group),
        (json!({ "id": -1, "type": "supergroup" }), ChatKind::Group),
        (json!({ "id": -1, "type": "channel" }), ChatKind::Channel),
        (json!({ "id": -1, "type": "hologram" }), ChatKind::Group),
        (json!({ "id": 42 }), ChatKind::Private),
    ] {
        assert_eq!(normalized(&from_ada(json!({ "chat": chat, "text": "x" }))).chat, expected, "{chat}");
    }
}

#[test]
fn commands_are_known_by_their_mark_or_by_their_look() {
    let marked = |length| json!([{ "type": "bot_command", "offset": 0, "length": length }]);
    for (text, entities, expected) in [
        ("/start", marked(6), command("start", None)),
        ("/start", json!([]), command("start", None)),
        ("/Start  deep-link ", marked(6), command("start", Some("deep-link"))),
        ("/report one\ntwo", json!([]), command("report", Some("one\ntwo"))),
        ("/start@OperationsBot x", marked(20), command("start", Some("x"))),
        ("/start@operationsbot", json!([]), command("start", None)),
        ("/start@OtherBot", json!([]), command("start", None)),
        ("/start,please", marked(6), command("start", Some(",please"))),
        ("/start,please", json!([]), said("/start,please")),
        ("/start", marked(999), command("start", None)),
        (
            "/start",
            json!([7, { "type": "bot_command" }, { "type": "bold", "offset": 0, "length": 2 }]),
            command("start", None),
        ),
        ("/usr/bin/env", json!([]), said("/usr/bin/env")),
        ("/", json!([]), said("/")),
        ("/ start", json!([]), said("/ start")),
        ("/größe", json!([]), said("/größe")),
        ("/start@", json!([]), said("/start@")),
        (" /start", json!([]), said(" /start")),
        ("see /start", json!([{ "type": "bot_command", "offset": 4, "length": 6 }]), said("see /start")),
    ] {
        let input = normalized(&from_ada(json!({ "text": text, "entities": entities })));
        assert_eq!(input.what, expected, "{text:?}");
    }
}

#[test]
fn in_a_group_a_command_for_another_bot_is_ignored() {
    for (text, expected) in [
        ("/start@OtherBot", ignored("message.command_for_another_bot")),
        ("/start@OperationsBot", command("start", None)),
        ("/start", command("start", None)),
        ("just talking", said("just talking")),
    ] {
        assert_eq!(normalized(&in_group(json!({ "text": text }))).what, expected, "{text}");
    }
}

#[test]
fn files_of_every_kind_are_claim_checks() {
    let file =
        json!({ "file_id": "f", "file_unique_id": "u", "file_name": "n", "mime_type": "m", "file_size": 3 });
    let small = json!({ "file_id": "s", "file_unique_id": "s", "width": 90, "height": 60 });
    let large =
        json!({ "file_id": "l", "file_unique_id": "l", "width": 1280, "height": 960, "file_size": 9 });
    for (fields, kind, id) in [
        (json!({ "photo": [small, large, 7, small] }), FileKind::Photo, "l"),
        (json!({ "document": file }), FileKind::Document, "f"),
        (json!({ "voice": file }), FileKind::Voice, "f"),
        (json!({ "audio": file }), FileKind::Audio, "f"),
        (json!({ "video": file }), FileKind::Video, "f"),
        (json!({ "video_note": file }), FileKind::Video, "f"),
        (json!({ "animation": file, "document": small }), FileKind::Video, "f"),
        (json!({ "sticker": file }), FileKind::Sticker, "f"),
        (json!({ "photo": [], "document": file }), FileKind::Document, "f"),
    ] {
        match normalized(&from_ada(fields.clone())).what {
            What::Said(Content::File { file, caption: None, album: None }) => {
                assert_eq!((file.kind, file.id.as_str()), (kind, id), "{fields}");
            }
            what => panic!("{fields} is {what:?}"),
        }
    }
    let album = from_ada(json!({ "document": file, "caption": "/not a command", "media_group_id": "77" }));
    let file = FileRef {
        kind: FileKind::Document,
        shape: None,
        id: "f".to_owned(),
        unique_id: "u".to_owned(),
        name: Some("n".to_owned()),
        mime: Some("m".to_owned()),
        size: Some(3),
        caption: None,
    };
    let (caption, album_id) = (Some("/not a command".to_owned()), Some("77".to_owned()));
    assert_eq!(normalized(&album).what, What::Said(Content::File { file, caption, album: album_id }));
}

#[test]
fn places_and_address_cards_have_words_of_their_own() {
    let spot = json!({ "latitude": 47.05, "longitude": 8.3 });
    let place = What::Said(Content::Location(Place { latitude: 47.05, longitude: 8.3 }));
    let card = |name: &str, user| {
        What::Said(Content::Contact { name: name.to_owned(), phone: "1".to_owned(), user })
    };
    for (fields, expected) in [
        (json!({ "location": spot }), place.clone()),
        (json!({ "location": { "latitude": 0, "longitude": 0 }, "venue": { "location": spot } }), place),
        (json!({ "location": { "latitude": 91, "longitude": 0 } }), ignored("message.unknown")),
        (
            json!({ "contact": { "phone_number": "1", "first_name": "Bo", "last_name": "Li", "user_id": 8 } }),
            card("Bo Li", Some(8)),
        ),
        (json!({ "contact": { "phone_number": "1" } }), card("", None)),
        (json!({ "dice": {} }), What::Said(Content::Other { kind: "dice".to_owned() })),
    ] {
        assert_eq!(normalized(&from_ada(fields.clone())).what, expected, "{fields}");
    }
}

#[test]
fn a_group_that_becomes_a_supergroup_says_so_twice_and_means_one_conversation() {
    for fields in [
        json!({ "migrate_to_chat_id": -200 }),
        json!({ "migrate_from_chat_id": -100, "chat": { "id": -200, "type": "supergroup" } }),
    ] {
        let input = normalized(&in_group(fields));
        let told = (input.conversation.to_string(), input.from, input.what);
        assert_eq!(told, ("operations:-100:0:-100".to_owned(), None, What::Moved { to: -200 }));
    }
    for nonsense in [7, -100, 0] {
        let input = normalized(&in_group(json!({ "migrate_to_chat_id": nonsense })));
        assert!(matches!(input.what, What::Ignored { .. }), "{nonsense}");
    }
}

#[test]
fn what_nobody_said_is_ignored() {
    let bot = json!({ "id": 8, "is_bot": true, "first_name": "Bot" });
    for (fields, kind) in [
        (json!({ "new_chat_members": [] }), "message.new_chat_members"),
        (json!({ "migrate_to_chat_id": -1001 }), "message.migrate_to_chat_id"),
        (json!({ "brand_new_service": {} }), "message.unknown"),
        (json!({ "text": "hi", "from": bot }), "message.from_a_bot"),
        (
            json!({ "text": "hi", "direct_messages_topic": { "topic_id": 1 } }),
            "message.direct_messages_topic",
        ),
    ] {
        assert_eq!(normalized(&from_ada(fields.clone())).what, ignored(kind), "{fields}");
    }
}

#[test]
fn an_edited_message_is_kept_but_is_no_command() {
    let mut update = from_ada(json!({ "text": "/start" }));
    update["edited_message"] = update["message"].take();
    update.as_object_mut().unwrap().remove("message");
    assert_eq!(normalized(&update).what, What::Edited(Content::Text("/start".to_owned())));
}

#[test]
fn a_press_is_the_pressers_wherever_the_message_is() {
    let press = |fields| {
        let query =
            json!({ "id": "77", "from": { "id": 42, "is_bot": false, "first_name": "Ada" }, "data": "d" });
        normalized(&json!({ "update_id": 9, "callback_query": merged(query, fields) }))
    };
    let group = json!({ "id": -100, "type": "supergroup" });
    let bot = json!({ "id": 8, "is_bot": true, "first_name": "Bot" });
    let what = What::Press { data: "d".to_owned(), callback: "77".to_owned() };
    for (message, conversation, message_id) in [
        (
            json!({ "message_id": 5, "date": 1, "chat": { "id": 42, "type": "private" }, "from": bot, "text": "/start" }),
            "operations:42:0:42",
            Some(5),
        ),
        (
            json!({ "message_id": 5, "date": 1, "chat": group, "from": bot, "sender_chat": group,
                    "message_thread_id": 7, "is_topic_message": true, "reply_to_message": { "message_id": 4 } }),
            "operations:-100:7:42",
            Some(5),
        ),
        (json!({ "message_id": 5, "date": 0, "chat": group }), "operations:-100:0:42", Some(5)),
        (json!(null), "operations:42:0:42", None),
    ] {
        let input = press(json!({ "message": message, "inline_message_id": "i" }));
        assert_eq!(input.conversation.to_string(), conversation, "{message}");
        assert_eq!((input.message_id, input.reply_to), (message_id, None), "{message}");
        assert_eq!(input.from.map(|person| person.id), Some(42), "{message}");
        assert_eq!(input.what, what, "{message}");
    }
    assert_eq!(press(json!({ "data": null, "game_short_name": "g" })).what, ignored("callback_query"));
}

#[test]
fn standing_in_a_chat_says_whether_the_bot_may_write() {
    for (member, expected) in [
        (json!({ "status": "member" }), What::Membership { reachable: true, via: None }),
        (json!({ "status": "administrator" }), What::Membership { reachable: true, via: None }),
        (json!({ "status": "kicked" }), What::Membership { reachable: false, via: None }),
        (json!({ "status": "left" }), What::Membership { reachable: false, via: None }),
        (
            json!({ "status": "restricted", "is_member": true, "can_send_messages": true }),
            What::Membership { reachable: true, via: None },
        ),
        (
            json!({ "status": "restricted", "is_member": true, "can_send_messages": false }),
            What::Membership { reachable: false, via: None },
        ),
        (json!({ "status": "ghost" }), ignored("my_chat_member")),
        (json!(null), ignored("my_chat_member")),
    ] {
        let change = json!({ "chat": { "id": 42, "type": "private" }, "from": { "id": 42 }, "new_chat_member": member });
        let input = normalized(&json!({ "update_id": 9, "my_chat_member": change }));
        assert_eq!(input.what, expected, "{member}");
        assert_eq!(input.conversation.to_string(), "operations:42:0:42");
    }
}

#[test]
fn the_same_bytes_always_give_the_same_input() {
    let update = from_ada(json!({ "text": "hi" }));
    assert_eq!(normalized(&update), normalized(&update));
    let kept: Input = serde_json::from_str(&serde_json::to_string(&normalized(&update)).unwrap()).unwrap();
    assert_eq!(kept, normalized(&update), "and it survives being stored");
}

fn any_json() -> impl Strategy<Value = Value> {
    let words = prop_oneof![
        Just("chat"),
        Just("from"),
        Just("message"),
        Just("id"),
        Just("text"),
        Just("entities"),
        Just("type"),
        Just("photo"),
        Just("file_id"),
        Just("data"),
        Just("offset"),
        Just("length"),
        Just("bot_command"),
        Just("/a@b"),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        words.clone().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map(words.clone().prop_map(str::to_owned), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(raw in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = try_normalize(&raw);
    }

    #[test]
    fn no_json_makes_it_panic_or_refuse(
        body in any_json(),
        kind in prop_oneof![Just("message"), Just("edited_message"), Just("callback_query"), Just("my_chat_member"), Just("poll")],
        update_id: u64,
    ) {
        let update = json!({ "update_id": update_id, kind: body }).to_string();
        prop_assert!(try_normalize(update.as_bytes()).is_ok());
    }

    #[test]
    fn no_text_makes_a_command_panic(text in "[/@]?[a-z_é😀]{0,5}[@ /\n]?.{0,10}", length in 0_usize..12) {
        let entities = json!([{ "type": "bot_command", "offset": 0, "length": length }]);
        let update = from_ada(json!({ "text": text, "entities": entities })).to_string();
        prop_assert!(try_normalize(update.as_bytes()).is_ok());
    }
}
