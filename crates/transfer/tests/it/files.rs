//! The file of a copy: what it says, and which files are refused.

use std::io::Cursor;

use serde_json::{Value, json};
use transfer::{Batch, FileWriter, Header, Line, Sealed, TransferError};

fn batch(rows: usize) -> Batch {
    let rows = (0..rows).map(|n| json!({ "id": n, "text": "a}\n\"b" }).to_string()).collect();
    Batch { table: "users".to_owned(), rows }
}

fn file(rows: usize) -> Vec<u8> {
    let header = Header {
        exported: "now".into(),
        region: "ire".into(),
        key: "acme".into(),
        migrations: vec!["0001_directory".into()],
    };
    let mut writer = FileWriter::begin(Vec::new(), &header).unwrap();
    writer.record("tenant", &json!({ "id": "x" })).unwrap();
    writer.rows(&batch(rows)).unwrap();
    writer.end().unwrap()
}

fn refusal(file: Vec<u8>) -> String {
    match Sealed::<_, Header>::check(Cursor::new(file)) {
        Err(TransferError::Refused(sentence)) => sentence,
        other => panic!("not refused: {:?}", other.map(|sealed| sealed.header().clone())),
    }
}

#[test]
fn a_file_has_one_json_object_in_each_line_and_is_read_as_it_was_written() {
    let file = file(2_500);
    let lines: Vec<Value> = file
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2_503);
    assert_eq!(lines[2]["row"]["text"], "a}\n\"b");
    assert_eq!(lines[2_502]["lines"], 2_501);

    let sealed = Sealed::<_, Header>::check(Cursor::new(file)).unwrap();
    assert_eq!(sealed.header().key, "acme");
    let mut reader = sealed.read().unwrap();
    let Some(Line::Record(kind, record)) = reader.next_line().unwrap() else { panic!() };
    assert_eq!((kind.as_str(), record), ("tenant", json!({ "id": "x" })));
    let mut rows = Vec::new();
    while let Some(line) = reader.next_line().unwrap() {
        let Line::Rows(batch) = line else { panic!("a record") };
        assert!(batch.rows.len() <= 1_000);
        rows.extend(batch.rows);
    }
    assert_eq!(rows, batch(2_500).rows);
}

#[test]
fn a_cut_file_is_refused_wherever_it_was_cut() {
    let whole = file(3);
    for length in 1..whole.len() {
        let sentence = refusal(whole[..length].to_vec());
        let is_told = sentence.contains("incomplete") || sentence.contains("no export");
        assert!(is_told, "{length}: {sentence}");
    }
}

#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    let whole = file(3);
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        refusal(changed);
    }
}

#[test]
fn files_of_others_and_newer_ones_are_refused_with_a_sentence() {
    for foreign in [
        &b""[..],
        b"\n",
        b"SQLite format 3\0",
        b"{}\n",
        b"[1]\n",
        b"{\"usher_export\":\"1\"}\n",
        &[0xff; 100],
    ] {
        assert!(refusal(foreign.to_vec()).contains("no export of a tenant"), "{foreign:?}");
    }
    let newer = String::from_utf8(file(1)).unwrap().replacen("\"usher_export\":1", "\"usher_export\":2", 1);
    assert!(refusal(newer.into_bytes()).contains("newer version"));
}
