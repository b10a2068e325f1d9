handler "archive" {
  plugin = "jsonl"
  park_after = 2.5
  config {
    path = "/var/lib/archive"
  }
}
