//! What settings are read as, and what is said about those that can't be.

use std::path::PathBuf;

use super::*;
use crate::{
    azure::{Access, Identity},
    store::Synchronous,
};

fn read(settings: &[(&str, &str)]) -> Result<Config, Mistakes> {
    Config::read(&settings.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect())
}

#[test]
fn all_mistakes_are_reported_at_once_and_none_tells_a_secret() {
    let wrong = read(&[
        ("BOTS__Ops__token", "123:sesame"),
        ("BOTS__ops__secret", "sesame!"),
        ("BOTS__ops__tokn", "sesame"),
        ("STORE", "AccountKey=sesame"),
        ("INLINE_CONCURRENCY", "many"),
        ("STORE_SYNCHRONOUS", "off"),
        ("BOTS__ops__operators", "Ada"),
    ])
    .unwrap_err();
    let words = wrong.to_string();
    for part in [
        "BOTS__Ops__…",
        "BOTS__ops__secret",
        "BOTS__ops__tokn",
        "BOTS__ops__token` is missing",
        "STORE`",
        "INLINE_CONCURRENCY",
        "STORE_SYNCHRONOUS",
        "operators",
    ] {
        assert!(words.contains(part), "{part} in {words}");
    }
    assert!(!words.contains("sesame"), "{words}");
}

#[test]
fn a_bot_is_a_token_and_a_secret() {
    let config = read(&[
        ("BOTS__ops__token", "1:dev"),
        ("BOTS__ops__secret", "s"),
        ("BOTS__ops__operators", "7, -8"),
        ("TELEGRAM_API_URL", "http://127.0.0.1:1"),
        ("STORE", "sqlite:/tmp/x.db"),
    ])
    .unwrap();
    let bot = &config.bots[0];
    assert_eq!(
        (bot.slug.as_str(), &bot.operators[..], bot.api.as_str()),
        ("ops", &[7, -8][..], "http://127.0.0.1:1")
    );
    assert!(bot.secret.is(b"s") && !bot.secret.is(b"t"));
    let file = PathBuf::from("/tmp/x.db");
    assert_eq!(config.store, store::Settings::Sqlite { file, synchronous: Synchronous::Full });
    assert!(!format!("{config:?}").contains("dev"), "{config:?}");
}

#[test]
fn cosmos_and_storage_are_named_as_on_azure() {
    let identity = read(&[
        ("STORE", "cosmos"),
        ("CosmosConnection__accountEndpoint", "https://x.documents.azure.com:443/"),
        ("CosmosConnection__credential", "managedidentity"),
        ("CosmosConnection__clientId", "me"),
        ("COSMOS_DATABASE", "festival"),
        ("AzureWebJobsStorage__accountName", "queues"),
    ])
    .unwrap();
    let managed = Access::Identity(Identity::Managed { client_id: Some("me".into()) });
    let store::Settings::Cosmos(cosmos) = identity.store else { panic!("{:?}", identity.store) };
    assert_eq!((cosmos.database.as_str(), &cosmos.access), ("festival", &managed));
    let queue::Settings::Storage(storage) = identity.queues else { panic!("{:?}", identity.queues) };
    assert_eq!(storage.endpoint.as_str(), "https://queues.queue.core.windows.net/");
    assert_eq!(storage.access, Access::Identity(Identity::Developer));
    let blob::Settings::Account(blobs) = identity.blobs else { panic!("{:?}", identity.blobs) };
    assert_eq!(blobs.endpoint.as_str(), "https://queues.blob.core.windows.net/");
    assert_eq!((blobs.account.as_str(), blobs.access), ("queues", storage.access));

    let keys = read(&[
        ("STORE", "cosmos"),
        ("CosmosConnection", "AccountEndpoint=http://127.0.0.1:8081;AccountKey=c2VzYW1l"),
        ("AzureWebJobsStorage", "UseDevelopmentStorage=true"),
    ])
    .unwrap();
    let told = format!("{keys:?}");
    let queue::Settings::Storage(storage) = keys.queues else { panic!("{:?}", keys.queues) };
    assert_eq!(storage.endpoint.as_str(), "http://127.0.0.1:10001/devstoreaccount1");
    let blob::Settings::Account(blobs) = keys.blobs else { panic!("{:?}", keys.blobs) };
    assert_eq!(blobs.endpoint.as_str(), "http://127.0.0.1:10000/devstoreaccount1");
    assert!(!told.contains("c2VzYW1l") && !told.contains("Eby8"), "{told}");
}

#[test]
fn kept_files_are_where_the_queues_are_unless_a_folder_is_named() {
    let at_home = read(&[]).unwrap().blobs;
    assert_eq!(at_home, blob::Settings::Disk(".backline/kept-files".into()));
    let named =
        read(&[("AzureWebJobsStorage", "UseDevelopmentStorage=true"), ("KEPT_FILES", "disk:/srv/files")]);
    assert_eq!(named.unwrap().blobs, blob::Settings::Disk("/srv/files".into()));
}

#[test]
fn a_half_named_account_says_what_is_missing() {
    for (settings, said) in [
        (&[("STORE", "cosmos")][..], "CosmosConnection__accountEndpoint"),
        (&[("STORE", "cosmos"), ("CosmosConnection", "AccountKey=sesame")], "no `AccountEndpoint"),
        (&[("STORE", "cosmos"), ("CosmosConnection__accountEndpoint", "x")], "set it to a URL"),
        (&[("AzureWebJobsStorage", "AccountName=sesame")], "no `AccountKey"),
        (&[("AzureWebJobsStorage", "sesame")], "is none of"),
        (&[("AzureWebJobsStorage__credential", "managedidentity")], "__accountName"),
        (&[("AzureWebJobsStorage__queueServiceUri", "https://queues.example/")], "__blobServiceUri"),
        (&[("KEPT_FILES", "here")], "disk:<path>"),
        (&[("AzureWebJobsStorage__accountName", "x"), ("AzureWebJobsStorage", "A=sesame")], "are both set"),
    ] {
        let words = read(settings).unwrap_err().to_string();
        assert!(words.contains(said) && !words.contains("sesame"), "{words}");
    }
}
