handler "archive" {
  plugin = "jsonl"
  park_after = null
  config {
    path = "/var/lib/archive"
  }
}
