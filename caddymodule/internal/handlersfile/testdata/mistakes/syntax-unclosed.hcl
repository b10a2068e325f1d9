handler "archive" {
  plugin = "jsonl"
  config {
    path = "/var/lib/archive"
