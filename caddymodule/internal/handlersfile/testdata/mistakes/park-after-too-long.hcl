handler "archive" {
  plugin = "jsonl"
  park_after = "60d"
  config {
    path = "/var/lib/archive"
  }
}
