/** What a release says of itself. */

/**
 * The part of the changelog that is a version's, for the tag of that version.
 *
 * @param tag - such as `v1.2.3`
 * @param version - of package.json, `1.2.3`
 * @param changelog - with a heading `## 1.2.3 - DATE`
 * @throws Error with everything that has to be mended before the release
 */
export function releaseNotes(tag: string, version: string, changelog: string): string {
  const parts = changelog.split(/^## /m).map((part) => part.split("\n"));
  const [, ...lines] = parts.find(([heading = ""]) => heading.split(" ")[0] === version) ?? [];
  const notes = lines.join("\n").trim();
  const problems = [
    ...(tag === `v${version}` ? [] : [`tag ${tag}: package.json is of version ${version}; tag v${version}`]),
    ...(notes === ""
      ? [`CHANGELOG.md: nothing of ${version}; give it a heading "## ${version} - DATE" and what is new`]
      : []),
  ];
  if (problems.length > 0) throw new Error(`no release:\n  ${problems.join("\n  ")}`);
  return `${notes}\n`;
}
