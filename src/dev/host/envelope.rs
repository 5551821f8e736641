//! JSON mode, on the way in: the `{Data, Metadata}` that a handler gets.

use uuid::Uuid;

use super::{
    VERSION,
    auth::Identity,
    base64, date, dice,
    facts::{Fact, Facts},
    function::{Function, Trigger},
    http1::{HeadWriter, Request},
    json::{Json, quoted},
    media,
    route::Values,
    target::{Target, joined},
};
use crate::{model::Timestamp, queue::Received};

/// What calls a function: the value of its trigger, and what else is known.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// What the trigger's binding holds, encoded for the handler.
    pub(super) data: Json,
    pub(super) facts: Facts,
}

/// The head and the body of one attempt at a call.
pub(super) fn request(
    function: &Function,
    call: &Call,
    invocation: Uuid,
    port: u16,
    retry: Option<Json>,
    now: Timestamp,
) -> (Vec<u8>, Vec<u8>) {
    let mut metadata = call.facts.metadata();
    let system = Json::Object(vec![
        ("MethodName".to_owned(), Json::of(&function.name)),
        ("UtcNow".to_owned(), Json::of(date::with_z(now))),
        ("RandGuid".to_owned(), Json::of(dice::guid().to_string())),
    ]);
    if !call.facts.has("sys") {
        metadata.push(("sys".to_owned(), system));
    } else if matches!(function.trigger, Trigger::Http { .. }) {
        metadata.push(("$sys".to_owned(), system));
    }
    if let Some(retry) = retry {
        metadata.push(("RetryContext".to_owned(), retry));
    }
    let body = Json::Object(vec![
        ("Data".to_owned(), Json::Object(vec![(function.binding.clone(), call.data.clone())])),
        ("Metadata".to_owned(), Json::Object(metadata)),
    ]);
    let body = body.compact();
    let mut head = HeadWriter::request("POST", &format!("/{}", function.name));
    head.field("Host", format!("127.0.0.1:{port}"));
    head.field("X-Azure-Functions-HostVersion", VERSION);
    head.field("X-Azure-Functions-InvocationId", invocation.to_string());
    head.field("User-Agent", format!("Azure-Functions-Host/{VERSION}"));
    head.field("Transfer-Encoding", "chunked");
    head.field("Content-Type", "application/json; charset=utf-8");
    (head.finish(), format!("{:X}\r\n{body}\r\n0\r\n\r\n", body.len()).into_bytes())
}

/// `Metadata.RetryContext` of an attempt.
pub(super) fn retry_context(attempt: u32, most: Option<u32>, failure: Option<&str>) -> Json {
    let exception = failure.map_or(Json::Null, |failure| {
        Json::Object(vec![
            ("ClassName".to_owned(), Json::of("Microsoft.Azure.WebJobs.Host.FunctionInvocationException")),
            ("Message".to_owned(), Json::of(failure)),
        ])
    });
    Json::Object(vec![
        ("RetryCount".to_owned(), Json::number(attempt)),
        ("MaxRetryCount".to_owned(), most.map_or(Json::number(-1), Json::number)),
        ("Exception".to_owned(), exception),
        ("Instance".to_owned(), Json::Null),
        ("State".to_owned(), Json::Object(Vec::new())),
    ])
}

/// A call by a message; none if it is no text where a text is wanted.
pub(super) fn by_message(message: &Received, binary: bool) -> Option<Call> {
    let mut facts = Facts::default();
    let text = std::str::from_utf8(&message.body);
    facts.set("QueueTrigger", Fact::Text(text.unwrap_or_default().to_owned()));
    for (name, json) in [
        ("DequeueCount", Json::of(message.dequeue_count.to_string())),
        ("ExpirationTime", Json::of(date::to_the_second(message.expires_at))),
        ("Id", Json::of(quoted(&message.id))),
        ("InsertionTime", Json::of(date::to_the_second(message.inserted_at))),
        ("NextVisibleTime", Json::of(date::to_the_second(message.next_visible_at))),
        ("PopReceipt", Json::of(quoted(&message.pop_receipt))),
    ] {
        facts.set(name, Fact::Plain(json));
    }
    let data = if binary {
        Json::Text(base64::encoded(&message.body))
    } else {
        let text = text.ok()?;
        facts.merge_payload(text);
        Json::Text(quoted(text))
    };
    Some(Call { data, facts })
}

/// A call by an operator, with a text instead of what the trigger would bring.
pub(super) fn by_hand(input: &str) -> Call {
    let mut facts = Facts::default();
    facts.merge_payload(input);
    Call { data: Json::Text(quoted(input)), facts }
}

/// A call by the clock.
pub(super) fn by_timer(info: Json) -> Call {
    Call { data: info, facts: Facts::default() }
}

/// A call by documents that changed: the text of a list, in a text.
pub(super) fn by_changes(batch: &str) -> Call {
    Call { data: Json::Text(quoted(batch)), facts: Facts::default() }
}

/// A call by a request.
pub(super) fn by_request(request: &Request, target: &Target, params: &Values, who: &Identity) -> Call {
    let pairs = target.pairs();
    let headers = headers(request);
    let body = body(request);
    let mut facts = Facts::default();
    if let Some(body) = &body {
        facts.merge_payload(body);
    }
    let last = |values: &[String]| values.last().cloned().unwrap_or_default();
    for (key, values) in pairs.iter().filter(|(key, _)| !key.eq_ignore_ascii_case("code")) {
        facts.set(key, Fact::Text(last(values)));
    }
    for (name, value) in params {
        if let Some(value) = value {
            facts.set(name, Fact::Text(value.clone()));
        }
    }
    let query = pairs.iter().map(|(key, values)| (key.clone(), Json::Text(last(values)))).collect();
    facts.set("Query", Fact::Plain(Json::Object(query)));
    let joined_headers =
        headers.iter().map(|(name, values)| (name.clone(), Json::Text(values.join(",")))).collect();
    facts.set("Headers", Fact::Plain(Json::Object(joined_headers)));
    let texts = |values: Vec<String>| Json::Array(values.into_iter().map(Json::Text).collect());
    let mut data = vec![
        ("Url".to_owned(), Json::Text(url(request, target))),
        ("Method".to_owned(), Json::of(&request.method)),
        (
            "Query".to_owned(),
            Json::Object(pairs.iter().map(|(k, v)| (k.clone(), Json::Text(joined(v)))).collect()),
        ),
        ("Headers".to_owned(), Json::Object(headers.into_iter().map(|(k, v)| (k, texts(v))).collect())),
        (
            "Params".to_owned(),
            Json::Object(
                params.iter().map(|(k, v)| (k.clone(), v.clone().map_or(Json::Null, Json::Text))).collect(),
            ),
        ),
        ("Identities".to_owned(), Json::Array(vec![who.as_json()])),
    ];
    if let Some(body) = body {
        data.push(("Body".to_owned(), Json::Text(body)));
    }
    Call { data: Json::Object(data), facts }
}

fn url(request: &Request, target: &Target) -> String {
    let host = request.fields.text("host").unwrap_or("localhost");
    format!("http://{host}{}{}", target.encoded_path(), target.query)
}

/// The body as text (bytes and forms in base64); none for an empty or a chunked one.
fn body(request: &Request) -> Option<String> {
    if request.chunked || request.body.is_empty() {
        return None;
    }
    let kind = media::essence(request.fields.text("content-type").unwrap_or_default());
    if kind == "application/octet-stream" || kind.starts_with("multipart/") {
        return Some(base64::encoded(&request.body));
    }
    let bytes = request.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&request.body);
    Some(String::from_utf8_lossy(bytes).into_owned())
}

/// Headers by name, each with its values; the server's own spelling for those it knows.
fn headers(request: &Request) -> Vec<(String, Vec<String>)> {
    let mut headers: Vec<(String, Vec<String>)> = Vec::new();
    for (name, value) in request.fields.iter() {
        let value = String::from_utf8_lossy(value).into_owned();
        match headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
            Some((_, values)) => values.push(value),
            None => headers.push((spelling(name).to_owned(), vec![value])),
        }
    }
    headers
}

/// The spelling of a header that ASP.NET Core's server knows; any other keeps the client's.
/// <https://github.com/dotnet/aspnetcore/blob/main/src/Servers/Kestrel/shared/KnownHeaders.cs>
fn spelling(name: &str) -> &str {
    const KNOWN: [&str; 56] = [
        "Accept",
        "Accept-Charset",
        "Accept-Encoding",
        "Accept-Language",
        "Access-Control-Request-Headers",
        "Access-Control-Request-Method",
        "Allow",
        "Alt-Used",
        "Authorization",
        "Baggage",
        "Cache-Control",
        "Connection",
        "Content-Disposition",
        "Content-Encoding",
        "Content-Language",
        "Content-Length",
        "Content-Location",
        "Content-MD5",
        "Content-Range",
        "Content-Type",
        "Cookie",
        "Correlation-Context",
        "Date",
        "Expect",
        "Expires",
        "From",
        "Grpc-Accept-Encoding",
        "Grpc-Encoding",
        "Grpc-Timeout",
        "Host",
        "If-Match",
        "If-Modified-Since",
        "If-None-Match",
        "If-Range",
        "If-Unmodified-Since",
        "Keep-Alive",
        "Last-Modified",
        "Max-Forwards",
        "Origin",
        "Pragma",
        "Proxy-Authorization",
        "Range",
        "Referer",
        "Request-Id",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Translate",
        "Upgrade",
        "Upgrade-Insecure-Requests",
        "User-Agent",
        "Via",
        "Warning",
        "X-Requested-With",
        "traceparent",
        "tracestate",
    ];
    KNOWN.iter().find(|known| known.eq_ignore_ascii_case(name)).copied().unwrap_or(name)
}
