handler "archive" {
  plugin = "jsonl"
  config {
    path = "/var/lib/${env.SMARTCAR_TEST_NOT_SET}"
  }
}
