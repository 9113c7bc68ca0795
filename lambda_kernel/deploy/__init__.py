"""The function on AWS: its CloudFormation template, and the commands that deploy it, look at it and delete it."""
