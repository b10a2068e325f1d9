handler "archive" {
  plugin = "jsonl"
  order = "vehicel"
  config {
    path = "/var/lib/archive"
  }
}
