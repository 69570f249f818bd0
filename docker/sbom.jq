# A list of what is in the binaries: SPDX 2.3 (https://spdx.github.io/spdx-spec/v2.3/) as JSON. Read is Cargo.lock, for
# the checksums; $metadata is what docker/crates.jq makes, $files the names and sums of the files that hold a binary.
($metadata[0]) as $crates
| ([splits("\\[\\[package\\]\\]") | [
      (capture("name = \"(?<x>[^\"]+)\"") | .x), (capture("version = \"(?<x>[^\"]+)\"") | .x),
      (capture("checksum = \"(?<x>[^\"]+)\"") | .x)]
    | {key: "\(.[0])-\(.[1])", value: .[2]}] | from_entries) as $checksums
| def id: "SPDXRef-Package-" + gsub("[^A-Za-z0-9.-]"; "-");
  def package($key): {SPDXID: ($key | id), filesAnalyzed: false, copyrightText: "NOASSERTION"};
  def licence: gsub("\\s*/\\s*"; " OR ");
  def related($from; $how; $to): {spdxElementId: $from, relationshipType: $how, relatedSpdxElement: $to};
  ("sexton-" + $crates[0].version) as $sexton
| [$files | splits("\n") | select(. != "") | capture("^(?<sum>[0-9a-f]{64})  (?<name>.+)$")
    | . + {id: ("file-" + .name | id)}]
  as $files
| {
    spdxVersion: "SPDX-2.3",
    dataLicense: "CC0-1.0",
    SPDXID: "SPDXRef-DOCUMENT",
    name: $sexton,
    documentNamespace: "https://spdx.org/spdxdocs/\($sexton)-\($commit | gsub("[^0-9a-f].*"; ""))",
    creationInfo: {created: $date, creators: ["Tool: docker/sbom.jq of \($sexton)"]},
    packages: (
      [$crates[] | "\(.name)-\(.version)" as $key | package($key) + {
          name, versionInfo: .version,
          downloadLocation: "NOASSERTION", # the package URL and the checksum say which
          licenseConcluded: (.license | licence), licenseDeclared: (.license | licence),
          primaryPackagePurpose: (if .source then "LIBRARY" else "APPLICATION" end),
          externalRefs: [{referenceCategory: "PACKAGE-MANAGER", referenceType: "purl",
            referenceLocator: "pkg:cargo/\(.name)@\(.version)"}]
        } + if .source then {checksums: [{algorithm: "SHA256", checksumValue: $checksums[$key]}]} else {} end]
      + [package("rust-std") + {name: "rust-std", versionInfo: $rust, downloadLocation: "NOASSERTION",
          licenseConcluded: "MIT OR Apache-2.0", licenseDeclared: "MIT OR Apache-2.0",
          primaryPackagePurpose: "LIBRARY"},
        package("musl") + {name: "musl", downloadLocation: "https://musl.libc.org/",
          licenseConcluded: "MIT", licenseDeclared: "MIT", primaryPackagePurpose: "LIBRARY",
          comment: "As the Rust toolchain brings it for the architecture, or as BUILD.txt says."}]
      + [$files[] | {SPDXID: .id, filesAnalyzed: false, copyrightText: "NOASSERTION", name: "sexton",
          versionInfo: $crates[0].version, packageFileName: .name, downloadLocation: "NOASSERTION",
          licenseConcluded: "MIT", licenseDeclared: "MIT", checksums: [{algorithm: "SHA256", checksumValue: .sum}]}]),
    relationships: (
      [related("SPDXRef-DOCUMENT"; "DESCRIBES"; $sexton | id),
        related($sexton | id; "STATIC_LINK"; "rust-std", "musl" | id)]
      + [$files[].id | related("SPDXRef-DOCUMENT"; "DESCRIBES"; .), related(.; "CONTAINS"; $sexton | id)]
      + [$crates[] | ("\(.name)-\(.version)" | id) as $from | .needs[] | related($from; "DEPENDS_ON"; id)])
  }
