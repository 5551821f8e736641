//! Forward mode: a request goes to the handler, and its answer to the client, nearly as it came.

use uuid::Uuid;

use super::{
    VERSION,
    http1::{HeadWriter, Request, Response},
    media,
    target::Target,
};

/// .NET keeps these apart from the request's headers, and the host drops them.
/// <https://learn.microsoft.com/dotnet/api/system.net.http.headers.httpcontentheaders>
const OF_THE_CONTENT: [&str; 11] = [
    "allow",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-location",
    "content-md5",
    "content-range",
    "content-type",
    "expires",
    "last-modified",
];

/// The head of the request to the handler; the body is the client's.
///
/// # Errors
/// What the real host cannot forward either.
pub(super) fn request(request: &Request, path: &str, invocation: Uuid) -> Result<Vec<u8>, String> {
    if request.chunked {
        return Err("a chunked request cannot be forwarded: send it with a Content-Length".to_owned());
    }
    let mut head = HeadWriter::request(&request.method, path);
    let mut seen: Vec<&str> = Vec::with_capacity(24);
    let (mut agent, mut given_id) = (None, None);
    for (name, value) in request.fields.iter() {
        if !value.is_ascii() {
            return Err(format!("the header `{name}` is not ASCII"));
        }
        if seen.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            continue;
        }
        seen.push(name);
        if OF_THE_CONTENT.iter().any(|of| of.eq_ignore_ascii_case(name)) {
            continue;
        }
        let value = joined(request, name, value);
        if name.eq_ignore_ascii_case("user-agent") {
            agent = Some(value);
        } else if name.eq_ignore_ascii_case("x-azure-functions-invocationid") {
            given_id = Some(value);
        } else if !name.eq_ignore_ascii_case("x-azure-functions-hostversion") {
            head.field(name, value);
        }
    }
    head.field("X-Azure-Functions-HostVersion", VERSION);
    match given_id {
        Some(given) => head.field(
            "X-Azure-Functions-InvocationId",
            [&given[..], format!(", {invocation}").as_bytes()].concat(),
        ),
        None => head.field("X-Azure-Functions-InvocationId", invocation.to_string()),
    }
    let product = format!("Azure-Functions-Host/{VERSION}");
    match agent {
        Some(agent) => head.field("User-Agent", [&agent[..], b" ", product.as_bytes()].concat()),
        None => head.field("User-Agent", product),
    }
    content(request, &mut head)?;
    Ok(head.finish())
}

/// All values of a repeated header in one line.
fn joined<'a>(request: &'a Request, name: &str, first: &'a [u8]) -> std::borrow::Cow<'a, [u8]> {
    let mut values =
        request.fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value);
    if values.by_ref().nth(1).is_none() {
        return first.into();
    }
    let values: Vec<&[u8]> =
        request.fields.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect();
    values.join(&b", "[..]).into()
}

/// Length and type, if there is a body.
fn content(request: &Request, head: &mut HeadWriter) -> Result<(), String> {
    if request.body.is_empty() {
        if !matches!(request.method.as_str(), "GET" | "HEAD" | "OPTIONS" | "TRACE" | "CONNECT" | "DELETE") {
            head.field("Content-Length", "0");
        }
        return Ok(());
    }
    head.field("Content-Length", request.body.len().to_string());
    if let Some(kind) = request.fields.first("content-type") {
        let text = String::from_utf8_lossy(kind);
        if !media::is_valid(&text) {
            return Err(format!("`{text}` is no content type"));
        }
        head.field("Content-Type", kind);
    }
    Ok(())
}

/// The path a forwarded request goes to.
pub(super) fn path(request: &Request) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~/".contains(&b);
    if request.target.bytes().all(plain) && !request.target.contains("/.") {
        return request.target.clone();
    }
    Target::parse(&request.target).forwarded()
}

/// The head of the answer to the client; the body is the handler's.
///
/// # Errors
/// What the real host cannot pass on either.
pub(super) fn response(response: &Response, request: &Request) -> Result<Vec<u8>, String> {
    let mut head = HeadWriter::response(response.status.into(), &response.reason);
    for (name, value) in response.fields.iter() {
        if !value.is_ascii() {
            return Err(format!("the handler's header `{name}` is not ASCII"));
        }
        let dropped =
            ["transfer-encoding", "content-length"].iter().any(|own| name.eq_ignore_ascii_case(own));
        if value.is_empty() || dropped {
            continue;
        }
        if ["allow", "content-language"].iter().any(|list| name.eq_ignore_ascii_case(list)) {
            for one in String::from_utf8_lossy(value).split(',') {
                head.field(name, one.trim());
            }
        } else if name.eq_ignore_ascii_case("content-type") {
            head.field(name, media::normalized(&String::from_utf8_lossy(value)));
        } else {
            head.field(name, value);
        }
    }
    let bare = matches!(response.status, 101 | 204 | 304);
    if request.method == "HEAD" {
        if let Some(length) = response.fields.first("content-length") {
            head.field("Content-Length", length);
        }
    } else if !bare {
        head.field("Content-Length", response.body.len().to_string());
    }
    Ok(head.finish())
}
