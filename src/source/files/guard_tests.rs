use super::*;

#[test]
fn panics_and_errors_become_words() {
    let say = |decode: fn() -> Result<(), ParquetError>| catch(decode).unwrap_err();
    insta::assert_snapshot!(
        say(|| Err(ParquetError::General("no dictionary".to_owned()))),
        @"it is damaged: Parquet error: no dictionary"
    );
    insta::assert_snapshot!(say(|| panic!("index {}", 7)), @"it is damaged: index 7");
    insta::assert_snapshot!(say(|| panic!("plain")), @"it is damaged: plain");
    assert_eq!(catch(|| Ok::<_, ParquetError>(1)), Ok(1));
}

#[test]
fn page_headers_state_their_sizes() {
    // A data page of 300 bytes, packed into 200.
    assert_eq!(
        page_sizes(&[0x15, 0x00, 0x15, 0xd8, 0x04, 0x15, 0x90, 0x03, 0x2c]),
        Some((300, 200))
    );
    // A negative size, another layout, and a header that ends: the decoder's to refuse.
    assert_eq!(page_sizes(&[0x15, 0x00, 0x15, 0x01, 0x15, 0x00]), None);
    assert_eq!(page_sizes(&[0x25, 0x00, 0x15, 0x02]), None);
    assert_eq!(page_sizes(&[0x15, 0x00, 0x15, 0xff]), None);
    assert_eq!(
        page_sizes(&[0x15, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]),
        None
    );
    assert_eq!(page_sizes(&[]), None);
}
