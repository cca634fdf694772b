"""What people look at: a page per study, a site with every number's ancestry, a crate for others' archives."""
