// Package e2e has no code, only a test: of what docs/deployment.md says of Docker
// Compose, in its order, with a fake Google Drive, an S3 server and real
// Calibre. "make e2e" runs it. It needs a container engine, Docker Compose (v2, or
// docker-compose from 1.28 on), calibredb and git.
//
// Images of which no registry is reached can be named by variables, which
// .ci/images prints: PRESSMARK_TEST_BUILD_IMAGE (with Go), …_POSTGRES_NEWER,
// …_REDIS_IMAGE, …_NGINX_IMAGE and …_S3_IMAGE.
package e2e
