handler "archive" {
  plugin = "jsonl"
  park_after = "500ms"
  config {
    path = "/var/lib/archive"
  }
}
