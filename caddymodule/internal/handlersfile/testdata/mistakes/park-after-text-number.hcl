handler "archive" {
  plugin = "jsonl"
  park_after = "6"
  config {
    path = "/var/lib/archive"
  }
}
