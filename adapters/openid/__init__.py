"""An OpenID provider, asked who somebody is; the only importer of Authlib and of what checks signatures for it."""
