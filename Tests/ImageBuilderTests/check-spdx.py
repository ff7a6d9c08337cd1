# Prints "valid" for an SPDX 2.3 document, else a complaint a line.
import json, re, sys
document = json.load(open(sys.argv[1]))
complaints = []
try:
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
    complaints += [m.validation_message for m in validate_full_spdx_document(parse_file(sys.argv[1]))]
except ImportError:
    pass
def need(condition, words):
    if not condition: complaints.append(words)
need(document["spdxVersion"] == "SPDX-2.3" and document["dataLicense"] == "CC0-1.0", "version, license")
need(document["SPDXID"] == "SPDXRef-DOCUMENT" and document["name"], "id, name")
need(re.fullmatch(r"[a-z][a-z0-9+.-]*://[^#\s]+", document["documentNamespace"]), "namespace")
need(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", document["creationInfo"]["created"]), "created")
need(all(re.fullmatch(r"(Tool|Person|Organization): .+", c) for c in document["creationInfo"]["creators"]), "creators")
ids = [p["SPDXID"] for p in document["packages"]]
need(len(set(ids)) == len(ids) and all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", i) for i in ids), "ids")
for p in document["packages"]:
    need(p["name"] and p["downloadLocation"] == "NOASSERTION" and p["filesAnalyzed"] is False, "package")
    need(all(re.fullmatch(r"[0-9a-f]{64}", c["checksumValue"]) for c in p.get("checksums", [])), "checksum")
for r in document["relationships"]:
    need({r["spdxElementId"], r["relatedSpdxElement"]} <= set(ids) | {"SPDXRef-DOCUMENT"}, "relationship")
print("\n".join(complaints) or "valid")
