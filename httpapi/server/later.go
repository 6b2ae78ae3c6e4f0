package server

// later lists settings of features that are not there yet, with the value, if
// there is one, that asks for nothing but what there is. To accept any other
// in silence would let somebody believe that it took effect. A feature that
// arrives takes its lines from here to settings.
func later() map[string]string {
	return map[string]string{
		"CALIBRE_LIBRARY_URL": "",
		"PUBLISH_CATALOG_URL": "",
	}
}
