# From the output of `cargo metadata` and $compiled, that of `cargo tree`: the crates that sexton is compiled from,
# itself first. What only builds (build scripts and what they need, procedural macros) is not among them.
([$compiled | splits("\n") | split(" ") | "\(.[0])-\(.[1] // "" | ltrimstr("v"))"] | unique) as $compiled
| (.packages | map(. + {key: "\(.name)-\(.version)"} | select(.key | IN($compiled[])))) as $packages
| ($packages | map({key: .id, value: .key}) | from_entries) as $keys
| (.resolve.nodes | map({key: .id, value: [.deps[].pkg | $keys[.] // empty]}) | from_entries) as $needs
| $packages
| map({name, version, license, manifest_path, source, needs: $needs[.id]})
| sort_by(.source != null, .name)
