/** An image's repository: without its tag and digest. */
export function repositoryOf(image: string): string {
  const [named = ""] = image.split("@", 1);
  const colon = named.lastIndexOf(":");
  // Before a slash it is a registry's port.
  return colon > named.lastIndexOf("/") ? named.slice(0, colon) : named;
}
