// Package search x.
package search
