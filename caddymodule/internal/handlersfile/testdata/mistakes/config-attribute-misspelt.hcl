handler "archive" {
  plugin = "jsonl"
  config {
    path  = "/var/lib/archive"
    rotat = "1d"
  }
}
