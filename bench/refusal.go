package bench

import "errors"

// RefusalError wraps an error that was found before any trial was started or
// any file written: the caller asked for what cannot be done. Every other
// error of this package means that something went wrong on the way.
type RefusalError struct{ Err error }

func (e *RefusalError) Error() string { return e.Err.Error() }

// Unwrap gives the reason.
func (e *RefusalError) Unwrap() error { return e.Err }

// refuse wraps err once.
func refuse(err error) error {
	var r *RefusalError
	if errors.As(err, &r) {
		return err
	}
	return &RefusalError{err}
}
