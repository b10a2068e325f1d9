handler "archive" {
  plugin = "jsonl"
  config {
    path = "/var/lib/archive"
  }
}

handler "archive" {
  plugin = "jsonl"
  config {
    path = "/var/lib/other"
  }
}
