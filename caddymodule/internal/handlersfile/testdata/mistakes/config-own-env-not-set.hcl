handler "own" {
  plugin = "./bin/handler"
  config {
    database {
      password = "hunter2${env.SMARTCAR_TEST_NOT_SET}"
    }
  }
}
