// The list keeps the open task in sight. The page works without this file.
"use strict";
document.querySelector(".left [data-here]")?.scrollIntoView({ block: "nearest" });
