/** Directory that `strata dev` uses, below the working directory, when it is not told another. */
export const DEV_DIRECTORY_NAME = ".stratalog";
