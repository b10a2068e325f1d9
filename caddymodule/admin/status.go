package admin

func serveStatus(q *request) (any, error) {
	return q.Status(q.Context()), nil
}
