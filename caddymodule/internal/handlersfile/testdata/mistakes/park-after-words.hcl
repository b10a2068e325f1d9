handler "archive" {
  plugin = "jsonl"
  park_after = "six hours"
  config {
    path = "/var/lib/archive"
  }
}
