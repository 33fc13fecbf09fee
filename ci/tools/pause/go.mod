module steward.dev/ci/tools/pause

go 1.24.0
