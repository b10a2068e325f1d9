handler "archive" {
  plugin = "jsonl"
  park_after = 20
  config {
    path = "/var/lib/archive"
  }
}
