handler "archive" {
  plugin = "jsonl"
  config {
    path = "/var/lib/archive"
    s3 {
      bucket = "a"
    }
    s3 {
      bucket = "b"
    }
  }
}
