handler "archive" {
  plugin = "jsonl"
  batch {
    max_wait = "1m"
  }
  config {
    path = "/var/lib/archive"
  }
}
