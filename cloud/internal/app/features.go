package app

// features puts the features together, one after the other. A feature's constructor gets what it needs from a: DB,
// Audit, Jobs, Broker, CA, Objects, Hub, Now. It registers operations with its Register(a.API), jobs with a.JobSet,
// loops with a.Background, live topics with a.Follow. Nothing here does I/O: the API document is printed from this
// with no database and no broker.
func (a *App) features() error {
	return nil
}
