import pulumi from "@pulumi/eslint-plugin";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  // What the examples import is made by `pulumi package add`.
  globalIgnores([".lab/", ".cache/", "dist/", "api/", "examples/"]),
  tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ["*.js", "commands/*.js", "plugin/*.js", "policy/*.js"] },
      },
    },
    plugins: { "@pulumi": pulumi },
    rules: {
      "@pulumi/no-output-in-template-literal": "error",
      "@pulumi/no-output-instance-in-template-literal": "error",
      // Numbers and booleans read well in a message; objects do not.
      "@typescript-eslint/restrict-template-expressions": [
        "error",
        { allowNumber: true, allowBoolean: true },
      ],
      // The Kubernetes client's models are classes without methods, and plain objects are how they are meant to be made.
      "@typescript-eslint/no-unsafe-class-instance-assignment": "off",
      // To take keys out of an object, they have to be named.
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true }],
      "max-lines": ["error", 400],
    },
  },
  {
    // What is printed is cleaned in one place: `print` in commands/commandLine.ts.
    files: ["commands/*.ts", "components/**/*.ts", "fleet/*.ts"],
    ignores: ["commands/commandLine.ts", "commands/start.ts"],
    rules: { "no-console": "error" },
  },
  {
    files: ["tests/**/*.ts", "bench/**/*.ts"],
    rules: {
      // `node:test` returns promises that the runner awaits by itself.
      "@typescript-eslint/no-floating-promises": [
        "error",
        {
          allowForKnownSafeCalls: [
            { from: "package", package: "node:test", name: ["test", "describe", "it", "suite"] },
          ],
        },
      ],
    },
  },
);
