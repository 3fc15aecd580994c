# shellcheck shell=bash
# A Python environment with the packages that tests need: the reference parser of the metrics.

python_requirements="$deploy/programs/python/requirements.txt"

# Prints the path of the interpreter.
test_python() {
  printf '%s\n' "$cache/python-$(sha256sum "$python_requirements" | cut -c1-12)/bin/python3"
}

# Builds the environment in a folder of its own, which is renamed into place when it is complete. A lock keeps clones
# that share the cache from building at once.
provide_test_python() {
  local folder unfinished
  folder=$(dirname "$(dirname "$(test_python)")")
  mkdir -p "$cache"
  (
    flock 8
    if [[ ! -d $folder ]]; then
      rm -rf "$cache/.unfinished-python-"*
      unfinished=$(mktemp -d "$cache/.unfinished-python-XXXXXX")
      python3 -m venv "$unfinished"
      "$unfinished/bin/python3" -m pip install --quiet --disable-pip-version-check --no-deps --only-binary :all: \
        --require-hashes --requirement "$python_requirements"
      chmod 755 "$unfinished"
      mv -T "$unfinished" "$folder"
    fi
    # A link without the hash, for tests that are run without `make`.
    ln -s "$(basename "$folder")" "$cache/.python-$BASHPID"
    mv -T "$cache/.python-$BASHPID" "$cache/python"
  ) 8>"$cache/.python.lock"
  say "Python with the reference parser is available"
}
