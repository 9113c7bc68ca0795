"""The function on AWS: its CloudFormation template, and the commands that deploy, show and delete it."""
