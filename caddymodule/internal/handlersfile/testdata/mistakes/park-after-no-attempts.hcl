handler "archive" {
  plugin = "jsonl"
  park_after = 0
  config {
    path = "/var/lib/archive"
  }
}
