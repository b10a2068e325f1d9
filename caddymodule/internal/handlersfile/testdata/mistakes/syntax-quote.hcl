handler "own" {
  plugin = "./bin/handler"
  config {
    password = "hunter2
  }
}
