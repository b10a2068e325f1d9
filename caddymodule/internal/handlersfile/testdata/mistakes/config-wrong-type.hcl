handler "archive" {
  plugin = "jsonl"
  config {
    path    = "/var/lib/archive"
    max_age = ["a"]
  }
}
