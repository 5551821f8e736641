//! Every place for kept files keeps the same contract: a folder, and Microsoft's emulator of Blob Storage.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use backline::{
    azure::{Service, StorageAccount},
    blob::{BlobName, Blobs, Content, Error, account::AccountBlobs, disk::DiskBlobs},
    model::Clock,
};
use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use crate::azurite;

/// A megabyte is sent at once: this is more.
const LARGE: usize = (5 << 20) + 7;

/// What it is called, and two doors to it.
type Place = (&'static str, Arc<dyn Blobs>, Arc<dyn Blobs>);

/// The places, and a folder that ends with them.
fn places() -> (Vec<Place>, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let disk = || Arc::new(DiskBlobs::new(&folder.path().join("kept"))) as Arc<dyn Blobs>;
    let mut places = vec![("disk", disk(), disk())];
    if let Some(text) = azurite::blobs() {
        let settings = StorageAccount::of_connection_string(Service::Blob, &text).unwrap();
        let account =
            || Arc::new(AccountBlobs::new(settings.clone(), Clock::real()).unwrap()) as Arc<dyn Blobs>;
        places.push(("account", account(), account()));
    }
    (places, folder)
}

fn name(text: &str) -> BlobName {
    text.parse().unwrap()
}

/// So many bytes, none like its neighbours, in pieces of an odd size.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

fn content(bytes: &[u8]) -> Content {
    let pieces: Vec<_> = bytes.chunks(70_001).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    stream::iter(pieces).boxed()
}

async fn found(blobs: &Arc<dyn Blobs>, of: &str) -> Option<Vec<u8>> {
    let (size, content) = blobs.get(&name(of)).await.unwrap()?;
    let found: Vec<Bytes> = content.try_collect().await.unwrap();
    let found = found.concat();
    assert_eq!(found.len() as u64, size);
    Some(found)
}

#[tokio::test]
async fn what_is_kept_is_found_by_everybody() {
    let (places, _folder) = places();
    for (place, one, other) in places {
        assert_eq!(found(&one, "operations/w/nothing").await, None, "{place}");
        for (of, size) in
            [("operations/w/empty", 0), ("operations/w/small", 10), ("operations/w/large", LARGE)]
        {
            let kept = one.put(&name(of), "image/png", content(&bytes(size)), 20 << 20).await.unwrap();
            assert_eq!(kept, size as u64, "{place}");
            assert_eq!(found(&other, of).await, Some(bytes(size)), "{place}: {of}");
        }
    }
}

#[tokio::test]
async fn what_is_there_stays_as_it_is() {
    let (places, _folder) = places();
    for (place, one, other) in places {
        for size in [10, LARGE] {
            let of = format!("operations/w/{size}");
            one.put(&name(&of), "image/png", content(&bytes(size)), 20 << 20).await.unwrap();
            other.put(&name(&of), "image/png", content(&vec![7; size]), 20 << 20).await.unwrap();
            assert_eq!(found(&one, &of).await, Some(bytes(size)), "{place}");
        }
    }
}

#[tokio::test]
async fn too_much_is_not_kept_and_not_read_to_its_end() {
    let (places, _folder) = places();
    for (place, one, _) in places {
        let taken = Arc::new(AtomicUsize::new(0));
        let counts = taken.clone();
        let endless = stream::repeat_with(move || {
            counts.fetch_add(1, Ordering::Relaxed);
            Ok(Bytes::from(vec![0; 100_000]))
        });
        let refused = one.put(&name("operations/w/endless"), "image/png", endless.boxed(), 3_000_000).await;
        assert!(matches!(refused, Err(Error::TooLarge(3_000_000))), "{place}: {refused:?}");
        assert!(taken.load(Ordering::Relaxed) <= 32, "{place}");
        assert_eq!(found(&one, "operations/w/endless").await, None, "{place}");
        let exactly = content(&bytes(3_000_000));
        one.put(&name("operations/w/endless"), "image/png", exactly, 3_000_000).await.unwrap();
    }
}

#[tokio::test]
async fn what_breaks_off_is_not_kept_and_may_be_kept_later() {
    let (places, _folder) = places();
    for (place, one, other) in places {
        for size in [10, LARGE] {
            let of = format!("operations/w/{size}");
            let begins = content(&bytes(size)).chain(stream::iter([Err("the line is cut".to_owned())]));
            let refused = one.put(&name(&of), "image/png", begins.boxed(), 20 << 20).await;
            assert!(matches!(refused, Err(Error::Unavailable(_))), "{place}: {refused:?}");
            assert_eq!(found(&one, &of).await, None, "{place}: half of it is nothing");
            other.put(&name(&of), "image/png", content(&bytes(size)), 20 << 20).await.unwrap();
            assert_eq!(found(&one, &of).await, Some(bytes(size)), "{place}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_keep_the_same_keep_it_once() {
    let (places, _folder) = places();
    for (place, one, other) in places {
        let puts = (0..8).map(|n| {
            let blobs = if n % 2 == 0 { one.clone() } else { other.clone() };
            tokio::spawn(async move {
                blobs.put(&name("operations/w/same"), "image/png", content(&bytes(LARGE)), 20 << 20).await
            })
        });
        for put in futures_util::future::join_all(puts).await {
            // Who is beside another one on the same disk comes again later.
            assert!(matches!(put.unwrap(), Ok(_) | Err(Error::Unavailable(_))), "{place}");
        }
        assert_eq!(found(&one, "operations/w/same").await, Some(bytes(LARGE)), "{place}");
    }
}

#[tokio::test]
async fn a_part_that_a_dead_process_left_is_begun_anew() {
    let (places, folder) = places();
    let (_, disk, _) = &places[0];
    let part = folder.path().join("kept/operations/w/left.part");
    std::fs::create_dir_all(part.parent().unwrap()).unwrap();
    std::fs::write(&part, vec![9; 1000]).unwrap();
    disk.put(&name("operations/w/left"), "image/png", content(&bytes(10)), 100).await.unwrap();
    assert_eq!(found(disk, "operations/w/left").await, Some(bytes(10)));
    assert!(!part.exists());
}

#[tokio::test]
async fn the_account_shows_no_secret_and_a_wrong_key_is_refused() {
    let Some(text) = azurite::blobs() else { return };
    let right = StorageAccount::of_connection_string(Service::Blob, &text).unwrap();
    let wrong = text.replace("AccountKey=", "AccountKey=c2VzYW1l;Other=");
    let settings = StorageAccount::of_connection_string(Service::Blob, &wrong).unwrap();
    assert!(!format!("{right:?} {settings:?}").contains("c2VzYW1l"));
    let blobs = AccountBlobs::new(settings, Clock::real()).unwrap();
    let refused = blobs.put(&name("a"), "image/png", content(b"x"), 9).await.unwrap_err();
    let told = format!("{refused} {refused:?}");
    assert!(matches!(refused, Error::Refused(_)) && !told.contains("sig="), "{told}");
}
