handler "own" {
  plugin = "./bin/handler"
  config {
    a = 1
  }
  config {
    b = 2
  }
}
