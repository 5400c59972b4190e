// `npm run package [-- FOLDER]`: the npm package, as a folder for `npm pack` and `npm publish`; default: dist.
import { join, resolve } from "node:path";
import { makePackage } from "./make.ts";

const [folder = join(import.meta.dirname, "..", "dist")] = process.argv.slice(2);
try {
  makePackage(resolve(folder));
  console.log(`The package is in ${folder}; npm pack ${folder} makes one file of it.`);
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
