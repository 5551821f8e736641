//! A handler that writes down every request byte for byte and answers as the request's `x-answer` (base64 of JSON)
//! bids. It is this test binary, started by the host with `RECORD` in its environment.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::Mutex,
    thread,
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json, value::RawValue};

/// Serves as a handler if started as one; as a test it does nothing.
#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "this is a process of its own, told by its environment what to do"
)]
fn serves_as_a_handler() {
    let Ok(file) = std::env::var("RECORD") else { return };
    let port: u16 = std::env::var("FUNCTIONS_CUSTOMHANDLER_PORT").unwrap().parse().unwrap();
    let record = Box::leak(Box::new(Record(Mutex::new(
        OpenOptions::new().append(true).create(true).open(file).unwrap(),
    ))));
    let environment: serde_json::Map<String, Value> =
        std::env::vars().filter(|(name, _)| name.contains("FUNCTIONS")).map(|(n, v)| (n, v.into())).collect();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    record.write(&json!({
        "event": "start",
        "process": std::process::id(),
        "arguments": arguments,
        "folder": std::env::current_dir().unwrap(),
        "environment": environment,
    }));
    let host = std::os::unix::process::parent_id();
    thread::spawn(move || {
        while std::os::unix::process::parent_id() == host {
            thread::sleep(Duration::from_millis(200));
        }
        std::process::exit(9);
    });
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    println!("listening on {port}");
    for stream in listener.incoming() {
        let stream = stream.unwrap();
        thread::spawn(|| serve(stream, record));
    }
}

struct Record(Mutex<File>);

impl Record {
    fn write(&self, event: &Value) {
        self.0.lock().unwrap().write_all(format!("{event}\n").as_bytes()).unwrap();
    }
}

struct Request {
    method: String,
    target: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

fn serve(mut stream: TcpStream, record: &Record) {
    stream.set_nodelay(true).unwrap();
    let mut received = Vec::new();
    while let Some(request) = read(&mut stream, &mut received) {
        record.write(&noted(&request));
        let told = answer_of(&request);
        if !answer(&mut stream, &request, &told) {
            return;
        }
    }
}

fn noted(request: &Request) -> Value {
    let mut event = json!({
        "event": "request",
        "method": request.method,
        "path": request.target,
        "headers": request.headers,
    });
    match std::str::from_utf8(&request.body) {
        Ok(text) => event["body"] = text.into(),
        Err(_) => event["bodyBase64"] = STANDARD.encode(&request.body).into(),
    }
    event
}

fn more(stream: &mut TcpStream, received: &mut Vec<u8>) -> Option<()> {
    let mut part = [0; 65536];
    match stream.read(&mut part) {
        Ok(0) | Err(_) => None,
        Ok(length) => {
            received.extend_from_slice(&part[..length]);
            Some(())
        }
    }
}

fn take_until(stream: &mut TcpStream, received: &mut Vec<u8>, mark: &[u8]) -> Option<Vec<u8>> {
    loop {
        if let Some(at) = received.windows(mark.len()).position(|window| window == mark) {
            let rest = received.split_off(at + mark.len());
            let mut taken = std::mem::replace(received, rest);
            taken.truncate(at);
            return Some(taken);
        }
        more(stream, received)?;
    }
}

fn take(stream: &mut TcpStream, received: &mut Vec<u8>, length: usize) -> Option<Vec<u8>> {
    while received.len() < length {
        more(stream, received)?;
    }
    let rest = received.split_off(length);
    Some(std::mem::replace(received, rest))
}

fn read(stream: &mut TcpStream, received: &mut Vec<u8>) -> Option<Request> {
    let head = take_until(stream, received, b"\r\n\r\n")?;
    let head: String = head.iter().map(|&b| char::from(b)).collect();
    let mut lines = head.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut request = Request { method, target, headers, body: Vec::new() };
    if request.header("expect").is_some() {
        stream.write_all(b"HTTP/1.1 100 Continue\r\n\r\n").ok()?;
    }
    if request.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = String::from_utf8(take_until(stream, received, b"\r\n")?).ok()?;
            let size = usize::from_str_radix(&size, 16).ok()?;
            let chunk = take(stream, received, size + 2)?;
            request.body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = request.header("content-length") {
        let length = length.parse().ok()?;
        request.body = take(stream, received, length)?;
    }
    Some(request)
}

/// What the request bids to answer: in its own header, in that of the request it carries, or in the message it carries.
fn answer_of(request: &Request) -> Value {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let values = || body["Data"].as_object().into_iter().flat_map(serde_json::Map::values);
    let carried = values().find_map(|value| {
        let headers = &value["Headers"];
        [&headers["x-answer"], &headers["X-Answer"]].into_iter().find_map(|answer| answer[0].as_str())
    });
    let in_message = || {
        values().find_map(|value| {
            let text: String = serde_json::from_str(value.as_str()?).ok()?;
            let message: Value = serde_json::from_str(&text).ok()?;
            // A list of documents has it in the first.
            let places = [&message["answer"], &message[0]["answer"], &message[0]["body"]["answer"]];
            places.into_iter().find_map(Value::as_str).map(str::to_owned)
        })
    };
    let told = carried.or(request.header("x-answer")).map(str::to_owned).or_else(in_message);
    match told {
        Some(told) => {
            let told = STANDARD.decode(told).unwrap();
            let mut answer: Value = serde_json::from_slice(&told).unwrap();
            // A parsed value loses the order of its members, and that is part of what was recorded.
            let raw: HashMap<String, &RawValue> = serde_json::from_slice(&told).unwrap();
            if let Some(json) = raw.get("json") {
                answer["compact"] = without_blanks(json.get()).into();
            }
            let attempt = body["Metadata"]["RetryContext"]["RetryCount"].as_u64().unwrap_or_default();
            if answer["failures"].as_u64().is_some_and(|failures| attempt < failures) {
                answer["status"] = 500.into();
            }
            answer
        }
        None if request.target == "/" => json!({"json": {}}),
        None if request.target.starts_with("/fails") => json!({"status": 500, "text": "as its name says"}),
        None => json!({"json": {"Outputs": {"res": {"statusCode": 200, "body": "ok"}}}}),
    }
}

/// JSON without the blanks between its parts.
fn without_blanks(json: &str) -> String {
    let (mut quoted, mut escaped) = (false, false);
    let kept = |c: &char| {
        let blank = !quoted && c.is_ascii_whitespace();
        quoted ^= *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        !blank
    };
    json.chars().filter(kept).collect()
}

/// Answers; false when the connection is over.
#[expect(clippy::disallowed_methods, reason = "what it was started with tells one process from another")]
fn answer(stream: &mut TcpStream, request: &Request, told: &Value) -> bool {
    if let Some(text) = told["out"].as_str() {
        println!("{text}");
    }
    if let Some(text) = told["err"].as_str() {
        eprintln!("{text}");
    }
    if let Some(delay_ms) = told["delay"].as_u64() {
        thread::sleep(Duration::from_millis(delay_ms));
    }
    if let Some(code) = told["exit"].as_i64() {
        std::process::exit(i32::try_from(code).unwrap());
    }
    if told["kill"].is_string() {
        let kill = format!(
            "kill -{} {}",
            told["kill"].as_str().unwrap().trim_start_matches("SIG"),
            std::process::id()
        );
        std::process::Command::new("sh").args(["-c", &kill]).status().unwrap();
        thread::sleep(Duration::from_secs(10));
    }
    if let Some(name) = told["env"].as_str() {
        let (bytes, closes) = message(request, &json!({ "text": std::env::var(name).unwrap_or_default() }));
        return stream.write_all(&bytes).is_ok() && !closes;
    }
    if told["destroy"] == true {
        let _ = stream.shutdown(Shutdown::Both);
        return false;
    }
    if let Some(raw) = told["rawsocket"].as_str() {
        let _ = stream.write_all(&STANDARD.decode(raw).unwrap());
        return told["end"] != true;
    }
    let (bytes, closes) = message(request, told);
    stream.write_all(&bytes).is_ok() && !closes
}

/// The answer's bytes, with the headers Node would add (the recordings were made with it), and whether it is the last.
fn message(request: &Request, told: &Value) -> (Vec<u8>, bool) {
    let body = match (&told["json"], told["b64"].as_str()) {
        (Value::Null, Some(base64)) => STANDARD.decode(base64).unwrap(),
        (Value::Null, None) => told["text"].as_str().unwrap_or_default().as_bytes().to_vec(),
        (json, _) => told["compact"].as_str().map_or_else(|| json.to_string(), str::to_owned).into_bytes(),
    };
    let status = told["status"].as_u64().unwrap_or(200);
    let mut head = format!("HTTP/1.1 {status} {}\r\n", told["reason"].as_str().unwrap_or("Some Reason"));
    let mut field = |name: &str, value: &str| head.push_str(&format!("{name}: {value}\r\n"));
    match told["headers"].as_object() {
        Some(headers) => {
            for (name, value) in headers {
                match value {
                    Value::Array(values) => {
                        values.iter().for_each(|value| field(name, value.as_str().unwrap()))
                    }
                    value => field(name, value.as_str().unwrap()),
                }
            }
        }
        None if !told["json"].is_null() => field("Content-Type", "application/json"),
        None => {}
    }
    let own = |wanted: &str| told["headers"].as_object().and_then(|headers| headers.get(wanted)?.as_str());
    let closes = own("Connection").or(request.header("connection")) == Some("close");
    if own("Connection").is_none() {
        field("Connection", if closes { "close" } else { "keep-alive" });
    }
    let bare = matches!(status, 204 | 304);
    let chunked = told["chunked"] == true;
    match (chunked, bare) {
        (true, _) => field("Transfer-Encoding", "chunked"),
        (false, false) => field("Content-Length", &body.len().to_string()),
        (false, true) => {}
    }
    let mut bytes = (head + "\r\n").into_bytes();
    if chunked {
        if !body.is_empty() {
            bytes.extend(format!("{:x}\r\n", body.len()).bytes());
            bytes.extend(&body);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n\r\n");
    } else if request.method != "HEAD" && !bare {
        bytes.extend(body);
    }
    (bytes, closes)
}
