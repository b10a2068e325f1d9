handler "archive" {
  plugin = "jsonl"
  park_after = 21600
  config {
    path = "/var/lib/archive"
  }
}
