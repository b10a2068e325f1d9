handler "archive" {
  plugin = "jsonl"
  config {
    path   = "/var/lib/archive"
    secret = ["hunter2"] # was: hunter1
  }
}
